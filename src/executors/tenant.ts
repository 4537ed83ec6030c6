import type { Call, SandboxClass } from './call.ts';
import type { Session } from './session.ts';

/** What stands in a slot beside its state. */
export interface Tenant {
  readonly sandboxClass: SandboxClass;
  /** Null while it is prepared. */
  session: Session | null;
  /** The call that runs. */
  call: Call | null;
}
