// The groups of operations that `http.disable_*` of the project file can switch off.

export const OPERATION_GROUPS = ["assistants", "threads", "runs", "store", "meta", "mcp", "a2a", "ui"] as const;
export type OperationGroup = (typeof OPERATION_GROUPS)[number];
