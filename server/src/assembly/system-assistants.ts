// Every graph has an assistant of the same name from the start.
import type { Config } from "../config/config.ts";
import { systemAssistantId } from "../domain/ids.ts";
import { omitUndefined } from "../domain/json.ts";
import type { AssistantRepository } from "../domain/ports/assistant-repository.ts";
import type { GraphInfo } from "../domain/ports/graph-runtime.ts";

/** Those that are there already keep their configuration: somebody may have changed it. */
export async function ensureSystemAssistants(
  assistants: Pick<AssistantRepository, "ensureSystemAssistants">,
  graphs: GraphInfo[],
  defaults: Config["graphDefaults"],
): Promise<void> {
  await assistants.ensureSystemAssistants(
    graphs.map(({ graphId, description }) => {
      const { configurable, recursion_limit: recursionLimit, tags, context = {} } = defaults[graphId] ?? {};
      return {
        assistantId: systemAssistantId(graphId),
        graphId,
        name: graphId,
        description,
        config: omitUndefined({
          configurable: configurable && { ...configurable },
          recursionLimit,
          tags: tags && [...tags],
        }),
        context: { ...context },
        metadata: { created_by: "system" },
      };
    }),
  );
}
