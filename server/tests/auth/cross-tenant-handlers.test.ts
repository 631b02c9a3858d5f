// Tenants kept apart by a project's own Auth object: its filters hold everywhere, as the server's own rule does.
import { useServer } from "../harness/sdk-test.ts";
import { describeTenants } from "./tenant-contract.ts";

const server = useServer({
  graphs: ["agent", "steps"],
  content: { auth: { path: "./tenants.ts:auth" } },
  env: { HOLDFAST_SLOTS: "2" },
});

describeTenants({ server, as: async (owner) => ({ authorization: `Bearer ${owner}` }) });
