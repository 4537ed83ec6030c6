import type { Headers } from '../kernel/contracts/envelope.ts';
import type { Topic } from '../kernel/topics.ts';

/**
 * The only door to the platform's own log. Batching, lanes, offset tracking, dead letters and tracing live above it,
 * once. Drivers: `kafka/` and `memory/`; `test/conformance/messaging/` is the suite that both pass.
 */
export interface Messaging {
  /** Opens an appender: idempotent, acks=all, natural batching. Many may be open; close each. */
  appender(options: AppenderOptions): Promise<Appender>;
  /**
   * Opens the transactional appender of that id and fences every earlier one with the same id (aborting what it left
   * open). Throws `MESSAGING_UNAVAILABLE` when no broker answers.
   */
  transactor(options: TransactorOptions): Promise<Transactor>;
  /** Joins a consumer group. Resolves when the broker knows the member; assignments arrive through the callbacks. */
  join(options: JoinOptions): Promise<Membership>;
  /** Reads one partition without a group. */
  own(options: OwnOptions): Promise<OwnReader>;
  readonly admin: MessagingAdmin;
  /** Closes everything that was opened here. May be called twice. Other calls after it throw `MESSAGING_CLOSED`. */
  close(): Promise<void>;
}

/** A record to be appended. */
export interface OutRecord {
  readonly topic: Topic;
  /** Default: by key hash (murmur2, as Kafka's own clients), round robin without a key. */
  readonly partition?: number;
  readonly key: Buffer | null;
  /** Null is a tombstone. */
  readonly value: Buffer | null;
  readonly headers: Headers;
}

/** A record as it was read. */
export interface InRecord {
  /** Name without the configured prefix. */
  readonly topic: string;
  readonly partition: number;
  readonly offset: bigint;
  /** The broker's append time, milliseconds since the epoch. */
  readonly timestampMs: number;
  readonly key: Buffer | null;
  readonly value: Buffer | null;
  readonly headers: Headers;
}

/** Where an acknowledged record stands. */
export interface Place {
  readonly partition: number;
  readonly offset: bigint;
}

/** Is told how an append ended: one of the two, once. */
export interface AppendSink {
  /** Nobody waits for the record: it may wait some milliseconds for others to go out with. Default: somebody does. */
  readonly patient?: boolean;
  appended(place: Place): void;
  /** With the errors of {@link Appender.append}. */
  failed(error: Error, record: OutRecord): void;
}

export interface AppenderOptions {
  /** Appears in broker logs and metrics. */
  readonly name: string;
}

export interface Appender {
  /**
   * Resolves when the broker acknowledged the record (all in-sync replicas). One produce request is in flight;
   * records given meanwhile go out together, at most `limits.batchBytes` per partition and request. Records of one
   * partition keep the order of the calls. May be called concurrently. Rejects with
   * `MESSAGING_TOO_LARGE` and `MESSAGING_TOPIC_MISMATCH` (refused for good, not in the log: no such partition, or a
   * topic of an account that does not exist), `MESSAGING_QUEUE_FULL` (never sent),
   * `MESSAGING_UNAVAILABLE` (given up after retries: may or may not be in the log), `MESSAGING_CLOSED`.
   */
  append(record: OutRecord): Promise<Place>;
  /**
   * As {@link append}, telling `sink`: for hot paths, where a promise for each record costs more than the record. Never
   * throws; a refusal may be told before this returns.
   */
  send(record: OutRecord, sink: AppendSink): void;
  /** Sends what waits, then closes. May be called twice. */
  close(): Promise<void>;
}

export interface TransactorOptions {
  readonly transactionalId: string;
}

/** Appends that are committed together with group offsets. Not for concurrent commits. */
export interface Transactor {
  /**
   * As {@link Appender.append}, inside the present transaction, which begins with the first append. Acknowledged
   * records are visible to uncommitted readers at once, to committed ones after {@link commit}. What is appended while
   * a commit or abort runs belongs to the next transaction, and may be sent before the end is through: order is kept
   * within a transaction, and across two of them for who awaits the commit. A record that is refused for good, or
   * because the queue is full, is no part of the transaction; after any other failure it can only be aborted.
   */
  append(record: OutRecord): Promise<Place>;
  /** As {@link append}, telling `sink`; see {@link Appender.send}. */
  send(record: OutRecord, sink: AppendSink): void;
  /**
   * Waits for the appends given so far, adds the offsets, commits. Resolves when committed. With no open transaction
   * and no offsets it does nothing. Throws `MESSAGING_ABORTED` (nothing of the transaction is committed; the caller
   * appends again; the transactor goes on) or `MESSAGING_FENCED` (another took the id over: the process must end).
   */
  commit(offsets: readonly GroupOffsets[]): Promise<void>;
  /** Ends the open transaction without effect for committed readers. Does nothing when none is open. */
  abort(): Promise<void>;
  /** Aborts what is open, closes. May be called twice. */
  close(): Promise<void>;
}

/** Offsets to commit for one membership. */
export interface GroupOffsets {
  readonly membership: Membership;
  readonly offsets: readonly PartitionOffset[];
}

export interface PartitionOffset {
  readonly assignment: Assignment;
  /** The next offset to read: everything below is finished, but for what the metadata names. */
  readonly offset: bigint;
  /** At most `limits.commitMetadataBytes` bytes. */
  readonly metadata: string;
}

export interface JoinOptions {
  readonly group: string;
  readonly topics: readonly Topic[];
  /** Where to start without a committed offset. Default `earliest`. */
  readonly from?: 'earliest' | 'latest';
  /** Default `committed`. */
  readonly isolation?: 'committed' | 'uncommitted';
  /**
   * Of what the members get equal parts: of `all` partitions together, whichever topics they are of, or of `each`
   * topic's. All members of a group ask for the same. Default `all`.
   */
  readonly balance?: 'all' | 'each';
  /**
   * A partition is ours from now on. Reading starts at `assignment.next` after the returned promise resolves; the
   * callback may set `assignment.seek(offset)` first. May overlap with calls for other partitions.
   */
  onAssigned(assignment: Assignment): Promise<void> | void;
  /**
   * Records of one partition, in offset order. The next batch of this partition is handed over after the returned
   * promise resolves; use `assignment.pause()` for back pressure. Must not throw: a throw ends the membership.
   */
  onRecords(assignment: Assignment, records: readonly InRecord[]): Promise<void> | void;
  /**
   * The broker wants the partition back. No further records arrive; drain, commit, then resolve: only then is it
   * released. The membership keeps its other partitions working meanwhile. Bounded by the session: see `drainMs`.
   */
  onRevoked(assignment: Assignment): Promise<void>;
  /** The partition is gone already (the member was fenced or timed out): publish and commit nothing for it. */
  onLost(assignment: Assignment): void;
  /** Longest time a drain may take before the partition counts as lost. Default 20,000. */
  readonly drainMs?: number;
  /** The member cannot go on (authorisation, bug): the process should end. */
  onFailed(error: Error): void;
}

/** One period of owning one partition. Work is tagged with it; after its end nothing of it may be published. */
export interface Assignment {
  readonly topic: string;
  readonly partition: number;
  /** Unique within the process, grows with every assignment. */
  readonly generation: number;
  /** What the group had committed when this assignment began; null when nothing. */
  readonly committed: { readonly offset: bigint; readonly metadata: string } | null;
  /** `owned`: working. `draining`: being revoked, commits still allowed. `ended`: released or lost. */
  readonly state: 'owned' | 'draining' | 'ended';
  /** Next offset that will be handed to `onRecords`. */
  readonly next: bigint;
  /** Moves reading to `offset`. Allowed inside `onAssigned` only. */
  seek(offset: bigint): void;
  /** Stops handing over records; idempotent. */
  pause(): void;
  /** Goes on; idempotent. */
  resume(): void;
  /**
   * Reads the group's committed offset and metadata of this partition again, stable ones: pending transactional
   * offsets are waited for. A taker calls it after it fenced a dead owner, whose last commit may have come after
   * {@link committed} was read. Throws `MESSAGING_UNAVAILABLE`.
   */
  readCommitted(): Promise<{ readonly offset: bigint; readonly metadata: string } | null>;
  /** Reads records by their offsets, for the unfinished ones named in commit metadata. Missing (deleted) ones are left out. */
  fetch(offsets: readonly bigint[]): Promise<readonly InRecord[]>;
}

export interface Membership {
  readonly group: string;
  readonly memberId: string;
  /** Assignments owned or draining now. */
  readonly assignments: readonly Assignment[];
  /**
   * Commits outside a transaction. Throws `MESSAGING_ASSIGNMENT_ENDED` when one of the assignments has ended (checked
   * here, because the broker checks the member's epoch only) and `MESSAGING_UNAVAILABLE`.
   */
  commit(offsets: readonly PartitionOffset[]): Promise<void>;
  /** Revokes everything (awaiting the drains), leaves the group. May be called twice. */
  close(): Promise<void>;
}

export interface OwnOptions {
  readonly topic: Topic;
  readonly partition: number;
  readonly from: 'start' | 'end' | bigint;
  readonly isolation: 'committed' | 'uncommitted';
  /** In offset order; the next batch is read after the returned promise resolves. */
  onRecords(records: readonly InRecord[]): Promise<void> | void;
  /** Called after `position` moved, also when only transaction markers or aborted records were passed. */
  onPosition?(position: bigint): void;
  /** Reading failed for good (topic gone, authorisation). Transient failures are retried inside. */
  onFailed(error: Error): void;
}

export interface OwnReader {
  /** Next offset to be read; moves past transaction markers and aborted records. */
  readonly position: bigint;
  close(): Promise<void>;
}

/** What differs between a declared topic and the one that exists. */
export interface TopicMismatch {
  readonly topic: string;
  readonly property: 'partitions' | 'cleanup' | 'retentionMs' | 'timestampType';
  readonly declared: string;
  readonly actual: string;
}

/** One entry of the broker's access list for a principal. */
export interface Grant {
  readonly resource: 'topic' | 'group';
  readonly pattern: 'literal' | 'prefixed';
  /** Without the configured prefix. */
  readonly name: string;
  readonly operations: readonly ('read' | 'write' | 'describe')[];
}

export interface MessagingAdmin {
  /** Creates the topics that are missing (LogAppendTime) and returns what differs on those that exist. May be repeated. */
  ensureTopics(topics: readonly Topic[]): Promise<readonly TopicMismatch[]>;
  /** End offset of each partition; `committed` gives the last stable offset. */
  endOffsets(topic: Topic, isolation: 'committed' | 'uncommitted'): Promise<readonly bigint[]>;
  /**
   * Records between the group's committed offset and the end, per partition; from the start where nothing is committed.
   * Markers of transactions and records of aborted ones are not counted where few offsets are left (16); a longer way
   * counts with them.
   */
  lag(group: string, topic: Topic): Promise<readonly bigint[]>;
  /** Committed offsets of a group, without being a member. */
  committed(group: string, topic: Topic): Promise<readonly (bigint | null)[]>;
  /** Makes a principal (SCRAM-SHA-512) with exactly these grants, or gives an existing one this password. Throws `MESSAGING_FORBIDDEN`. */
  ensurePrincipal(name: string, password: string, grants: readonly Grant[]): Promise<void>;
  /** Name of the topic on the broker, with the configured prefix. */
  fullName(topic: Topic): string;
  /** Name of the group on the broker, with the configured prefix. */
  fullGroup(group: string): string;
  /** Resolves when the broker answers a metadata request; rejects with `MESSAGING_UNAVAILABLE` after `timeoutMs`. */
  ping(timeoutMs: number): Promise<void>;
}
