// Marks a tool as having an effect on the world outside, so that the server records each of its calls.
import { ToolMessage } from "@langchain/core/messages";
import type { ToolCall } from "@langchain/core/messages/tool";
import { StructuredTool, type StructuredToolInterface, type ToolRunnableConfig } from "@langchain/core/tools";
import { performEffect } from "./perform-effect.ts";

export interface EffectOptions {
  /**
   * Whether calling the tool again with the same idempotency key does no harm, because the service behind it recognises the key.
   * After a crash such a call is repeated; any other is put to a person.
   */
  isIdempotent: boolean;
}

/**
 * The same tool with its calls recorded: reserved before, finished after. A call that finished is not carried out again, its result is
 * returned. The tool finds the key for the outside service with `idempotencyKeyOf(config)`. Results come back as JSON; a `ToolMessage`
 * stays one. Outside of Holdfast it just runs. With `guardTool`, guard the tool that this returns.
 */
export function withEffect(tool: StructuredToolInterface, options: EffectOptions): EffectTool {
  return new EffectTool(tool, options);
}

/** A tool whose effects are recorded; made by {@link withEffect}. */
export class EffectTool extends StructuredTool {
  name: string;
  description: string;
  schema: StructuredToolInterface["schema"];
  private readonly inner: StructuredToolInterface;
  private readonly isIdempotent: boolean;

  constructor(inner: StructuredToolInterface, { isIdempotent }: EffectOptions) {
    super({ extras: inner.extras });
    this.returnDirect = inner.returnDirect;
    this.name = inner.name;
    this.description = inner.description;
    this.schema = inner.schema;
    this.inner = inner;
    this.isIdempotent = isIdempotent;
  }

  static override lc_name(): string {
    return "EffectTool";
  }

  protected override _call(): never {
    throw new Error("A tool with an effect runs through invoke.");
  }

  // biome-ignore lint/suspicious/noExplicitAny: the base class types input and output by the schema, which is not known here
  override async invoke(input: any, config?: any): Promise<any> {
    const call = isToolCall(input) ? input : undefined;
    const toResult = (content: unknown) => this.toResult(call, content);
    return performEffect<unknown>(
      {
        toolName: this.name,
        args: call === undefined ? input : call.args,
        toolCallId: call?.id,
        isIdempotent: this.isIdempotent,
        execute: (settings) => this.inner.invoke(input as never, settings as ToolRunnableConfig),
        encode: (result) => JSON.stringify(toRecord(result)) ?? "null",
        decode: (text) => fromRecord(JSON.parse(text), call, this.name),
        decided: (action, result) => toResult(result ?? DECIDED_TEXT[action]),
      },
      config as ToolRunnableConfig | undefined,
    );
  }

  private toResult(call: ToolCall | undefined, content: unknown): unknown {
    if (call === undefined) return content;
    const text = typeof content === "string" ? content : JSON.stringify(content);
    return new ToolMessage({ name: this.name, tool_call_id: call.id ?? "", content: text });
  }
}

const DECIDED_TEXT = {
  skip: "This was not carried out: a person decided to skip it.",
  done: "Done, as a person confirmed.",
} as const;

/** A result as it is recorded. */
type EffectRecord =
  | { kind: "value"; value: unknown }
  | { kind: "message"; content: ToolMessage["content"]; artifact: unknown; status: ToolMessage["status"] };

function toRecord(result: unknown): EffectRecord {
  if (!ToolMessage.isInstance(result)) return { kind: "value", value: result ?? null };
  const { content, artifact, status } = result;
  return { kind: "message", content, artifact, status };
}

function fromRecord(record: EffectRecord, call: ToolCall | undefined, name: string): unknown {
  if (record.kind === "value") return record.value;
  const { content, artifact, status } = record;
  return new ToolMessage({
    name,
    tool_call_id: call?.id ?? "",
    content,
    artifact,
    ...(status === undefined ? {} : { status }),
  });
}

function isToolCall(input: unknown): input is ToolCall {
  return typeof input === "object" && input !== null && (input as { type?: unknown }).type === "tool_call";
}
