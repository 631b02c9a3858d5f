// The demo model's own rules: what a user wants, read from plain words, and which of the bound tools can do it.
import { fillArguments, findJsonObject } from "./demo-arguments.ts";
import { type DemoTool, textParameters } from "./demo-tool.ts";

/** A tool call the demo model decided on. */
export interface IntendedCall {
  name: string;
  args: Record<string, unknown>;
}

/** All tool calls that the user's text asks for, in the order of the rules, each tool and argument pair once. */
export function findIntendedCalls(text: string, tools: DemoTool[]): IntendedCall[] {
  const rules = [callNamedTool, callForTime, callForArithmetic, callForNote, callForNoteList];
  const calls: IntendedCall[] = [];
  for (const rule of rules) {
    for (const call of rule(text, tools)) {
      const isKnown = calls.some((known) => known.name === call.name && rule !== callForTime);
      if (!isKnown) calls.push(call);
    }
  }
  return calls;
}

/** "use TOOL …" or "call TOOL {json}" works for any tool. */
function callNamedTool(text: string, tools: DemoTool[]): IntendedCall[] {
  return tools.flatMap((tool) => {
    const spelled = tool.name
      .replace(/[_-]/g, "[\\s_-]")
      .replace(/[.*+?^$(){}|\\]/g, (char) => (char === "\\" ? "\\" : char));
    const match = text.match(
      new RegExp(`\\b(?:use|call|run)\\s+(?:the\\s+)?(?:tool\\s+)?\`?${spelled}\`?\\b(.*)`, "is"),
    );
    if (!match) return [];
    const rest = (match[1] ?? "").replace(/^\s*(?:tool|with|for|on|to|:|-)+\s*/i, "").trim();
    return [{ name: tool.name, args: findJsonObject(rest) ?? fillArguments(tool, rest || text) }];
  });
}

/** "time in PLACE", also several places joined by "and" or commas. */
function callForTime(text: string, tools: DemoTool[]): IntendedCall[] {
  const tool = findTool(tools, /time|clock|zone/i, /\b(zone|place|city|location|timezone)/i);
  if (!tool) return [];
  const match = text.match(/\btime\b[^.?!]*?\bin\s+([^?!;]+)/i);
  if (!match?.[1]) return [];
  const places = match[1]
    .split(/\s*,\s*|\s+and\s+/i)
    .map((place) =>
      place
        .replace(/\b(right now|now|today|please|at the moment)\b/gi, "")
        .replace(/[.\s]+$/, "")
        .trim(),
    )
    .filter(
      (place) =>
        /^\p{L}[\p{L}\s/_+\-.0-9]*$/u.test(place) && !/^(what|how|then|also|please|note|remember)\b/i.test(place),
    );
  return places.map((place) => ({ name: tool.tool.name, args: { [tool.parameter]: place } }));
}

/** An arithmetic expression, a percentage "of" something, or a square root. */
function callForArithmetic(text: string, tools: DemoTool[]): IntendedCall[] {
  const tool = findTool(tools, /calc|arith|math|comput|evaluat/i, /expr|formula|calculation|input|query/i);
  const expression = tool && findExpression(text);
  return expression ? [{ name: tool.tool.name, args: { [tool.parameter]: expression } }] : [];
}

/** "note: …", "note that …", "remember …". */
function callForNote(text: string, tools: DemoTool[]): IntendedCall[] {
  const match = text.match(
    /(?:^|[.!?,;]\s*|\b(?:and|please|then)\s+)(?:take a note|make a note|note|remember)(?:\s*:\s*|\s+that\s+|\s+)(.+)$/is,
  );
  const noted = match?.[1]?.trim();
  if (!noted) return [];
  const savers = tools.filter((tool) => /remember|memor|note/i.test(tool.name) && !isListing(tool));
  const tool = findTool(savers, /./, /note|text|content|fact/i);
  return tool ? [{ name: tool.tool.name, args: { [tool.parameter]: noted } }] : [];
}

/** "my notes", "list the notes", "what did you note". */
function callForNoteList(text: string, tools: DemoTool[]): IntendedCall[] {
  if (!/\b(notes|what (did|have) (i|you) (ask(ed)? you to )?(noted?|remember))\b/i.test(text)) return [];
  const tool = tools.find((candidate) => /note|memor/i.test(candidate.name) && isListing(candidate));
  return tool ? [{ name: tool.name, args: {} }] : [];
}

function isListing(tool: DemoTool): boolean {
  return /list|show|read|get|recall|all/i.test(tool.name) || Object.keys(tool.parameters.properties ?? {}).length === 0;
}

function findTool(tools: DemoTool[], about: RegExp, parameterName: RegExp) {
  const tool =
    tools.find((candidate) => about.test(candidate.name)) ??
    tools.find((candidate) => about.test(candidate.description));
  if (!tool) return undefined;
  const parameters = textParameters(tool);
  const parameter = parameters.find((name) => parameterName.test(name)) ?? parameters[0];
  return parameter ? { tool, parameter } : undefined;
}

/**
 * The longest arithmetic expression in a text, or nothing. "12.5 % of 80" and "square root of 2" are put into symbols; a lone
 * number, a date or a version is not an expression.
 */
export function findExpression(text: string): string | undefined {
  const symbolic = text
    .replace(/(\d+(?:\.\d+)?)\s*(?:%|percent)\s+of\s+/gi, "$1 / 100 * ")
    .replace(/\bsquare root of\s+(\d+(?:\.\d+)?)/gi, "sqrt($1)")
    .replace(/\bto the power of\b/gi, "^")
    .replace(/\bdivided by\b/gi, "/")
    .replace(/(?<=[\d)]\s*)(?:\btimes\b|×|x(?=\s*[\d(]))/gi, "*")
    .replace(/(?<=[\d)]\s*)\bplus\b/gi, "+")
    .replace(/(?<=[\d)]\s*)\bminus\b/gi, "-")
    .replace(/÷/g, "/")
    .replace(/(?<=\d),(?=\d{3}\b)/g, "");
  const candidates = symbolic.match(/(?:sqrt|abs|round|floor|ceil|min|max|ln|log|exp|pi|[\d.()+\-*/^%\s,])+/gi) ?? [];
  const expressions = candidates
    .map((candidate) => candidate.replace(/[\s.,+\-*/^]+$/, "").replace(/^[\s.,*/^%)]+/, ""))
    .filter((candidate) => /\d/.test(candidate) && isCalculation(candidate) && isBalanced(candidate));
  return expressions.sort((a, b) => b.length - a.length)[0];
}

function isCalculation(candidate: string): boolean {
  if (/^\d{4}-\d{1,2}-\d{1,2}$/.test(candidate)) return false;
  return (
    /(?:sqrt|abs|round|floor|ceil|min|max|ln|log|exp)\s*\(/i.test(candidate) ||
    /[\d)!]\s*[+\-*/^%]\s*[\d(-]/.test(candidate)
  );
}

function isBalanced(candidate: string): boolean {
  let depth = 0;
  for (const char of candidate) {
    if (char === "(") depth++;
    if (char === ")" && --depth < 0) return false;
  }
  return depth === 0;
}
