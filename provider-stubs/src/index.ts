// Local servers that speak the wire formats of the OpenAI, Anthropic and Ollama APIs.
export { countTokens, splitTokens } from "./token-rule.ts";
