// Asks a person before a tool is called, by a policy: always, above an amount, the first time on a thread, or as a function says.
import type { BaseMessage } from "@langchain/core/messages";
import { humanInTheLoopMiddleware } from "langchain";
import { isAi, isTool } from "../context-window/message-kinds.ts";
import type { CallLike } from "./loop-breaker.ts";

/** When a person is asked. */
export type ApprovalPolicy =
  | "always"
  | "firstTime"
  /** For calls whose argument is larger, or is no number at all. A path such as `order.amount` reaches into objects. */
  | { argument: string; above: number }
  | ((call: CallLike, messages: BaseMessage[]) => boolean | Promise<boolean>);

/** What a person may decide. */
export type ApprovalDecision = "approve" | "edit" | "reject";

/** Approval of one tool. */
export interface ToolApproval {
  when: ApprovalPolicy;
  /** @default all three */
  allowedDecisions?: ApprovalDecision[];
  /** What the person is told. @default the tool's name and arguments */
  description?: string;
}

/** Approvals by the tool's name. Tools that are not named are not asked for. */
export type ToolApprovals = Record<string, ApprovalPolicy | ToolApproval>;

/** Whether a person has to be asked before this call. A plain function for graphs of your own, to be followed by `interrupt`. */
export async function needsApproval(policy: ApprovalPolicy, call: CallLike, messages: BaseMessage[]): Promise<boolean> {
  if (policy === "always") return true;
  if (policy === "firstTime") return !wasRunBefore(call.name, messages);
  if (typeof policy === "function") return policy(call, messages);
  const amount = Number(readPath(call.args, policy.argument));
  return !(amount <= policy.above);
}

/**
 * The same for agents made with createAgent, on top of LangChain's `humanInTheLoopMiddleware`: the run stops with one interrupt for all
 * calls of an answer that need it, in the form that Agent Chat UI and other clients know, and goes on with the decisions. Arguments that a
 * person edited are checked like any others. Needs a checkpointer, which Holdfast always has.
 */
export function approvalMiddleware(approvals: ToolApprovals): ReturnType<typeof humanInTheLoopMiddleware> {
  const interruptOn = Object.entries(approvals).map(([name, given]) => {
    const approval = isPolicy(given) ? { when: given } : given;
    const { when, allowedDecisions = ["approve", "edit", "reject"], description } = approval;
    const config = {
      allowedDecisions,
      when: (request: { toolCall: CallLike; state: { messages: BaseMessage[] } }) =>
        needsApproval(when, request.toolCall, request.state.messages),
      ...(description !== undefined && { description }),
    };
    return [name, config] as const;
  });
  return humanInTheLoopMiddleware({ interruptOn: Object.fromEntries(interruptOn) });
}

function isPolicy(given: ApprovalPolicy | ToolApproval): given is ApprovalPolicy {
  return typeof given !== "object" || !("when" in given);
}

/** On this thread, with success: whoever approved it then is not asked again. */
function wasRunBefore(name: string, messages: BaseMessage[]): boolean {
  const idsOfName = new Set(
    messages.flatMap((message) =>
      isAi(message) ? (message.tool_calls ?? []).flatMap((call) => (call.name === name ? [call.id] : [])) : [],
    ),
  );
  return messages.some(
    (message) => isTool(message) && message.status !== "error" && idsOfName.has(message.tool_call_id),
  );
}

function readPath(value: unknown, path: string): unknown {
  return path
    .split(".")
    .reduce<unknown>((part, key) => (part as Record<string, unknown> | null | undefined)?.[key], value);
}
