// Plays the model that summarises: an extractive one that knows nothing of the questions to come and keeps within the limit it is given.

const SUMMARY_CHARS_MAX = 2_400;

/**
 * Keeps what was in the old summary, then sentences of the user's that hold something particular: a number, a code, or a name in the
 * middle of the sentence. Questions and what tools and the assistant said are left out, as a terse summariser would.
 */
export function summarise(prompt: string): string {
  const [, old = "", further = ""] = /^Old summary:\n([\s\S]*?)\n\nFurther messages:\n([\s\S]*)$/.exec(prompt) ?? [];
  const kept = new Set(old === "(none)" ? [] : sentencesOf(old));
  for (const line of further.split("\n")) {
    if (!line.startsWith("User: ")) continue;
    for (const sentence of sentencesOf(line.slice("User: ".length))) {
      if (!sentence.endsWith("?") && !/^About /.test(sentence) && isParticular(sentence)) kept.add(sentence);
    }
  }
  const summary: string[] = [];
  let length = 0;
  // The newest are kept when there is no room for all.
  for (const sentence of [...kept].reverse()) {
    length += sentence.length + 1;
    if (length > SUMMARY_CHARS_MAX) break;
    summary.unshift(sentence);
  }
  return summary.join(" ") || "Nothing in particular yet.";
}

function sentencesOf(text: string): string[] {
  return text.match(/[^.?!]+(?:[.?!](?=\S)[^.?!]*)*[.?!]/g)?.map((sentence) => sentence.trim()) ?? [];
}

function isParticular(sentence: string): boolean {
  return (
    /\d/.test(sentence) ||
    /\s[A-ZÄÖÜ][a-zäöü]{2,}/.test(sentence) ||
    /\b(want|must|may|need|needs|allergic|please)\b/i.test(sentence)
  );
}
