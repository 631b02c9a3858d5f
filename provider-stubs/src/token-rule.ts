// How the stubs count tokens: one rule for prompts, answers, context windows and bills, so that every figure can be recomputed.

const charactersPerToken = 4;

/** Tokens that each message costs beside its text. */
export const messageOverheadTokens = 4;

/** Tokens that a prompt costs beside its messages. */
export const promptOverheadTokens = 3;

/** Cuts text into its tokens: four code points each, the last may be shorter. Joined together they are the text again. */
export function splitTokens(text: string): string[] {
  const characters = Array.from(text);
  const tokens: string[] = [];
  for (let at = 0; at < characters.length; at += charactersPerToken) {
    tokens.push(characters.slice(at, at + charactersPerToken).join(""));
  }
  return tokens;
}

/** The number of tokens of a text: its code points divided by four, rounded up. */
export function countTokens(text: string): number {
  let characterCount = 0;
  for (const _character of text) characterCount++;
  return Math.ceil(characterCount / charactersPerToken);
}
