// Authorisation where none is configured: everyone is anonymous and may see everything.
import type { AccessFilter } from "../domain/page.ts";
import type { Authorizer } from "../domain/ports/authorizer.ts";
import { ANONYMOUS, type Principal } from "../domain/principal.ts";

export class OpenAuthorizer implements Authorizer {
  async authenticate(): Promise<Principal> {
    return ANONYMOUS;
  }

  async authorize(): Promise<AccessFilter> {
    return undefined;
  }
}
