// Generated from schemas/ by tools/generate.ts. Do not edit.

/** Something was changed or refused. */
export interface Audit {
  readonly id: string;
  readonly atMs: number;
  /** who acted */
  readonly account: string;
  readonly keyId: string | null;
  /** entity.verb, or call */
  readonly action: string;
  /** KIND/ID, or OWNER/ALGO */
  readonly target: string;
  readonly allowed: boolean;
  readonly reason: string | null;
  /** JSON, without secrets */
  readonly details: string;
}

/** A build was requested of a commit that is in the algorithm's repository. */
export interface Build {
  readonly algorithmId: string;
  readonly owner: string;
  readonly name: string;
  /** 40-hex commit */
  readonly build: string;
  readonly environment: string;
  readonly requestedBy: string;
  readonly requestedAtMs: number;
}

/** Somebody asks control for a change. Bodies are JSON, checked by the entity's own schema; never a plaintext secret. */
export interface Command {
  /** UUID; a repeated one is answered as the first was */
  readonly id: string;
  /** entity.verb, for example algorithm.create */
  readonly name: string;
  /** account of the key that asks, or role:NAME for a role of the platform */
  readonly actor: string;
  readonly keyId: string | null;
  /** process that waits for the outcome */
  readonly replica: string;
  readonly atMs: number;
  /** JSON */
  readonly body: string;
}

/** The present state of one entity, or the outcome of a command (kind outcome). The record's key is KIND/ID. */
export interface Entity {
  readonly kind: string;
  readonly id: string;
  /** grows with every change of this entity */
  readonly revision: number;
  readonly atMs: number;
  /** JSON, checked by the kind's schema */
  readonly body: string;
}

/** Metrics of one run: operational ones of every run, and those that the algorithm reports itself. */
export interface Insight {
  readonly requestId: string;
  readonly session: string;
  readonly algorithmId: string;
  readonly algorithm: string;
  readonly build: string;
  readonly version: string | null;
  readonly account: string;
  readonly flow: string | null;
  readonly status: string;
  readonly atMs: number;
  readonly durationS: number;
  /** accepted until handed to a sandbox */
  readonly waitS: number;
  /** the algorithm's own */
  readonly metrics: Readonly<Record<string, number | string | boolean>>;
}

export type LogSubject = 'request' | 'build';

export type LogStream = 'stdout' | 'stderr' | 'platform';

/** Text that a run or a build wrote. */
export interface LogLine {
  readonly subject: LogSubject;
  /** request id or build hash */
  readonly subjectId: string;
  readonly algorithmId: string;
  readonly atMs: number;
  readonly stream: LogStream;
  /** one or more whole lines */
  readonly text: string;
  /** the subject has ended */
  readonly last: boolean;
}

/** A process is alive: written by every process each second. */
export interface Presence {
  /** host/pid/start, unique */
  readonly process: string;
  readonly roles: readonly string[];
  readonly startedAtMs: number;
  readonly atMs: number;
  readonly stopping: boolean;
  readonly pool: string | null;
  readonly slots: number;
  readonly busy: number;
  /** warm sandboxes by ALGORITHM_ID@BUILD */
  readonly warm: Readonly<Record<string, number>>;
  readonly queued: number;
  readonly transactionalIds: readonly string[];
  /** address of its operations listener */
  readonly endpoint: string | null;
  readonly memoryBytes: number;
  readonly lastError: string | null;
}

export type Origin = 'rest' | 'inbox' | 'flow' | 'child';

export type BodyType = 'json' | 'text' | 'binary';

/** A call that was accepted and placed on a lane of an algorithm version. Headers carry id, attempt, deadline and trace. */
export interface Request {
  /** UUID */
  readonly algorithmId: string;
  /** OWNER/ALGO as the owner spells it */
  readonly algorithm: string;
  /** 40-hex commit */
  readonly build: string;
  /** semantic version that was resolved, null for a build called by its hash */
  readonly version: string | null;
  /** calling account */
  readonly account: string;
  /** UUID of the key that called */
  readonly keyId: string;
  readonly origin: Origin;
  /** request id of the caller's run, for a chained call */
  readonly parent: string | null;
  /** request id of the root of the call tree */
  readonly session: string;
  readonly flow: string | null;
  /** ce_id of the inbox record, or the source message of a flow */
  readonly causation: string | null;
  /** partition of results that a waiting replica reads; null: by request id */
  readonly replyPartition: number | null;
  /** account whose replies topic gets the answer too */
  readonly replyAccount: string | null;
  /** GET /v1/requests/{id} serves its answer for a day */
  readonly stored: boolean;
  readonly idempotencyKey: string | null;
  readonly wantsStdout: boolean;
  readonly acceptedAtMs: number;
  readonly contentType: BodyType;
  /** opaque; null when bodyRef is set */
  readonly body: Buffer | null;
  /** blob of the body (claim check) */
  readonly bodyRef: string | null;
}

export type Status = 'succeeded' | 'failed' | 'timeout';

export interface RunError {
  readonly message: string;
  readonly errorType: string;
  readonly stacktrace: string | null;
}

export type ResultType = 'json' | 'text' | 'binary' | 'void';

/** A call ended. Exactly one committed record per request id. */
export interface Result {
  readonly status: Status;
  readonly algorithmId: string;
  readonly algorithm: string;
  readonly build: string;
  readonly version: string | null;
  readonly account: string;
  readonly keyId: string;
  readonly origin: Origin;
  readonly parent: string | null;
  readonly session: string;
  readonly flow: string | null;
  readonly causation: string | null;
  readonly stored: boolean;
  readonly idempotencyKey: string | null;
  /** stage times, milliseconds since the epoch */
  readonly acceptedAtMs: number;
  /** read from the log by an executor */
  readonly takenAtMs: number;
  /** handed to a sandbox */
  readonly startedAtMs: number;
  /** the sandbox answered */
  readonly finishedAtMs: number;
  /** seconds of the algorithm alone */
  readonly durationS: number;
  /** a sandbox had to be started for it */
  readonly cold: boolean;
  /** CPU seconds of the sandbox during the run */
  readonly cpuS: number | null;
  /** peak memory of the sandbox so far */
  readonly memoryPeakBytes: number | null;
  /** process that ran it */
  readonly executor: string;
  /** only when the request wanted it */
  readonly stdout: string | null;
  readonly error: RunError | null;
  readonly contentType: ResultType;
  /** json: JSON text; text: UTF-8; binary: bytes; null when failed or when bodyRef is set */
  readonly body: Buffer | null;
  readonly bodyRef: string | null;
}

/** Every contract by its name, as its newest version. */
export interface Contracts {
  readonly audit: Audit;
  readonly build: Build;
  readonly command: Command;
  readonly entity: Entity;
  readonly insight: Insight;
  readonly 'log-line': LogLine;
  readonly presence: Presence;
  readonly request: Request;
  readonly result: Result;
}
