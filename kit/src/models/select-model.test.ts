// Which model is used, and the reason that is given for it.
import { describe, expect, it } from "vitest";
import { readProviderEnv } from "./provider-env.ts";
import { selectModel } from "./select-model.ts";

describe("selectModel", () => {
  it("takes MODEL as it is", () => {
    const env = readProviderEnv({ MODEL: " openai:gpt-4o ", OPENAI_API_KEY: "k" });
    expect(selectModel(env)).toEqual({ spec: "openai:gpt-4o", reason: "MODEL=openai:gpt-4o" });
  });

  it.each([
    [{}, "set MODEL=openai:…, anthropic:… (with its API key) or ollama:…"],
    [{ OPENAI_API_KEY: "k" }, "MODEL=openai:MODEL_NAME"],
    [{ ANTHROPIC_API_KEY: "k" }, "MODEL=anthropic:MODEL_NAME"],
    [{ OLLAMA_HOST: "127.0.0.1" }, "MODEL=ollama:MODEL_NAME"],
    [{ MODEL: "" }, "MODEL is not set"],
  ])("falls back to the demo model for %j and says how to choose another", (variables, reason) => {
    const selected = selectModel(readProviderEnv(variables));
    expect(selected.spec).toBe("demo");
    expect(selected.reason).toContain(reason);
    expect(selected.reason).not.toContain('"k"');
  });

  it("refuses a MODEL that names no known provider", () => {
    expect(() => selectModel({ model: "gpt-4o" })).toThrow('Unknown model provider "gpt-4o"');
    expect(() => selectModel({ model: "openai:" })).toThrow("names a provider but no model");
  });
});
