// Local servers that speak the wire formats of the OpenAI, Anthropic and Ollama APIs, for tests and benches.
export { startAnthropicStub } from "./anthropic/start.ts";
export { Bill, type BillEntry, type BilledOutcome, type BilledTokens } from "./bill.ts";
export type { Conversation, JsonSchema, StubMessage, StubTool, StubToolCall } from "./conversation.ts";
export type { Fault } from "./fault.ts";
export { Faults, type RandomFaults } from "./faults.ts";
export { startOllamaStub } from "./ollama/start.ts";
export { startOpenAiStub } from "./openai/start.ts";
export type { RecordedCall } from "./recorded-call.ts";
export type { StubReply } from "./reply.ts";
export type { ReplyFunction } from "./script.ts";
export type { ProviderStub, StubModel, StubOptions } from "./stub-server.ts";
export { countTokens, splitTokens } from "./token-rule.ts";
