// Lets a run or an assistant choose among allowed models by configuration, so that switching needs no change of the graph.
import type { BaseChatModel } from "@langchain/core/language_models/chat_models";
import { createMiddleware } from "langchain";
import { type CreateModelOptions, createModel } from "./create-model.ts";
import { ModelConfigError } from "./model-errors.ts";
import { parseModelSpec } from "./model-spec.ts";

/** Which models a run may choose. */
export interface ModelChoice {
  /** Specs that may be chosen. A caller pays with the deployment's keys, so nothing is allowed that is not listed. */
  allowed: string[];
  /** For all models made. */
  options?: CreateModelOptions;
}

/** The part of a run's configuration that is looked at; `context` wins over `configurable`. */
export interface RunConfigLike {
  context?: unknown;
  configurable?: Record<string, unknown>;
}

/** Makes the models of a choice, each once. */
export class ModelsForRuns {
  private readonly choice: ModelChoice;
  private readonly modelBySpec = new Map<string, Promise<BaseChatModel>>();

  /** @throws ModelConfigError if an allowed spec names no known provider. */
  constructor(choice: ModelChoice) {
    for (const spec of choice.allowed) parseModelSpec(spec);
    this.choice = choice;
  }

  /**
   * The model that a run's configuration names under `model`, or nothing if it names none.
   * @throws ModelConfigError `model_not_allowed`, naming those that are, or as `createModel` does.
   */
  async find(config: RunConfigLike): Promise<BaseChatModel | undefined> {
    const spec = modelIn(config.context) ?? modelIn(config.configurable);
    if (spec === undefined) return undefined;
    const { allowed, options } = this.choice;
    if (!allowed.includes(spec)) {
      throw new ModelConfigError(
        "model_not_allowed",
        `The model "${spec}" may not be chosen here; allowed are: ${allowed.join(", ")}.`,
      );
    }
    const model = this.modelBySpec.get(spec) ?? createModel(spec, options);
    this.modelBySpec.set(spec, model);
    // A failure, such as a missing key, must not be remembered: it may be put right without a restart.
    model.catch(() => this.modelBySpec.delete(spec));
    return model;
  }
}

/** The same for agents made with createAgent: `context.model` or `configurable.model` of a run replaces the agent's model. */
export function modelForRunMiddleware(choice: ModelChoice) {
  const models = new ModelsForRuns(choice);
  return createMiddleware({
    name: "ModelForRun",
    wrapModelCall: async (request, handler) => {
      const model = await models.find(request.runtime);
      return handler(model ? { ...request, model } : request);
    },
  });
}

function modelIn(settings: unknown): string | undefined {
  const model = (settings as { model?: unknown } | undefined)?.model;
  return typeof model === "string" && model !== "" ? model : undefined;
}
