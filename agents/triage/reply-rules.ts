// What an answer to a support request must look like: plain checks whose complaints can be given back to a model.

/** A request's kind, as the router decides it. */
export type RequestKind = "billing" | "technical" | "general";

const wordsMax = 150;

/** A short, stable reference for a request, so that the same text always has the same one. */
export function referenceFor(kind: RequestKind, text: string): string {
  let hash = 0x811c9dc5;
  for (const char of text) hash = Math.imul(hash ^ char.codePointAt(0)!, 0x01000193) >>> 0;
  return `${kind.slice(0, 1).toUpperCase()}-${String(hash % 1_000_000).padStart(6, "0")}`;
}

/** Complaints about a draft; none means that it may be sent. */
export function findProblems(draft: string, kind: RequestKind, reference: string): string[] {
  const problems: string[] = [];
  if (!draft.includes(`Reference: ${reference}`)) problems.push(`The answer must contain "Reference: ${reference}".`);
  if (!/^Next step:/m.test(draft)) problems.push(`The answer must contain "${nextSteps[kind]}" on a line of its own.`);
  if (draft.split(/\s+/).length > wordsMax) problems.push(`The answer must have at most ${wordsMax} words.`);
  if (/\bguarantee/i.test(draft)) problems.push('The answer must not use the word "guarantee".');
  return problems;
}

const nextSteps: Record<RequestKind, string> = {
  billing: "Next step: our accounts team checks the invoice within one working day.",
  technical: "Next step: send us the error message and the time it occurred.",
  general: "Next step: reply here if anything is still open.",
};

/** The answer given when no draft passed the checks within the bound: honest, and a person takes over. */
export function fallbackAnswer(kind: RequestKind, reference: string): string {
  return `A person will answer your ${kind} request.\nReference: ${reference}\n${nextSteps[kind]}`;
}
