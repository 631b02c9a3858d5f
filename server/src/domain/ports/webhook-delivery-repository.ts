// What the server asks of the place where notices of ended runs wait to be sent.
import type { WebhookDelivery } from "../webhook.ts";

/** Proof that an attempt is still the newest one; what a slower attempt says changes nothing. */
export type DeliveryAttempt = Pick<WebhookDelivery, "deliveryId" | "attempt">;

export interface WebhookDeliveryRepository {
  /**
   * Takes up to `countMax` due notices, each for one caller alone. A notice of which nothing is heard for `leaseMs` is due
   * again: whoever took it is gone.
   */
  claimDeliveries(options: { countMax: number; leaseMs: number }): Promise<WebhookDelivery[]>;
  markDelivered(attempt: DeliveryAttempt): Promise<void>;
  /** Makes it due again in `delayMs`. */
  retryDelivery(attempt: DeliveryAttempt, delayMs: number, reason: string): Promise<void>;
  /** Never tried again. */
  giveUpDelivery(attempt: DeliveryAttempt, reason: string): Promise<void>;
  /** Deletes at most `countMax` notices that were delivered or given up and are older than `ageMs`; the number deleted. */
  deleteEndedDeliveries(ageMs: number, countMax: number): Promise<number>;
}
