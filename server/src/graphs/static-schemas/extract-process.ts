// The process that extracts the schemas of one graph: told by its arguments, answers its parent and ends.
import { extractSchemas } from "./extract-schemas.ts";

const [file, exportName] = process.argv.slice(2);
try {
  process.send?.({ extracted: extractSchemas(file!, exportName!) });
} catch (error) {
  process.send?.({ message: error instanceof Error ? error.message : String(error) });
}
process.disconnect?.();
