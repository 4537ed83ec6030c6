import type { Account } from '../accounts/accounts.ts';
import type { Resolved } from '../catalog/catalog.ts';
import type { BodyType } from '../kernel/contracts/contracts.gen.ts';
import type { RequestId } from '../kernel/ids.ts';
import type { CheckedBody } from '../messaging/claim-check.ts';
import type { InRecord } from '../messaging/messaging.ts';

/** The router's words: a record that an account published becomes a request, or a dead letter that says why not. */

/** Where a record first stood: its identity through every retry. */
export interface Origin {
  readonly topic: string;
  readonly partition: number;
  readonly offset: bigint;
}

/** A record of an inbox, on its first or a later attempt. */
export interface Arrival {
  readonly record: InRecord;
  readonly origin: Origin;
  /** From 1. */
  readonly attempt: number;
  /** When it first arrived, milliseconds since the epoch. */
  readonly firstAtMs: number;
}

/** After `read-envelope`: what its headers say. */
export interface Addressed extends Arrival {
  readonly account: Account;
  readonly senderId: string;
  readonly target: { readonly owner: string; readonly name: string; readonly selector: string | null };
  readonly contentType: BodyType;
  readonly traceparent: string | undefined;
}

/** After `resolve-version`: what it runs. */
export interface Allowed extends Addressed {
  readonly resolved: Resolved;
  readonly keyId: string;
}

/** After `check-body`: ready to be placed. */
export interface Placeable extends Allowed {
  readonly body: CheckedBody;
}

/** What is to be published: the request on its lane. */
export interface Placement extends Placeable {
  readonly id: RequestId;
  readonly pool: string;
  readonly lane: string;
  readonly partition: number;
}
