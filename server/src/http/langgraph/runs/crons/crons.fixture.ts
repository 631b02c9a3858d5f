// For tests of the doors: crons in memory that never tick.
import type { Cron } from "../../../../domain/cron.ts";
import { NotFoundError } from "../../../../domain/errors.ts";
import type { CronRepository } from "../../../../domain/ports/cron-repository.ts";

export function createFakeCrons(): CronRepository {
  const crons = new Map<string, Cron>();
  const requireCron = (cronId: string): Cron => {
    const cron = crons.get(cronId);
    if (cron === undefined) throw new NotFoundError("Cron not found");
    return cron;
  };
  const keep = (cron: Cron): Cron => {
    crons.set(cron.cronId, cron);
    return cron;
  };
  return {
    createCron: async (cron) => keep({ ...cron, createdAt: new Date(), updatedAt: new Date() }),
    findCron: async (cronId, access) => (access ? undefined : crons.get(cronId)),
    searchCrons: async ({ limit, offset }) => ({
      items: [...crons.values()].slice(offset, offset + limit),
      total: crons.size,
    }),
    countCrons: async () => crons.size,
    updateCron: async (cronId, change) => {
      const cron = requireCron(cronId);
      return keep({ ...cron, ...change(cron) });
    },
    async deleteCron(cronId) {
      requireCron(cronId);
      crons.delete(cronId);
    },
    fireDueTicks: async () => ({ fired: [], failures: [] }),
  };
}
