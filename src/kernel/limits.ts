/** Every bound of the platform, once. Sources stand beside the figures. */
export const limits = {
  /** Largest request body; rest-api §1.1. */
  requestBodyBytes: 10 * 1024 * 1024,
  /** Largest result body; rest-api §1.1. */
  resultBodyBytes: 15 * 1024 * 1024,
  /** Bodies above this travel by reference (claim check): the blob first, the record second. */
  inlineBodyBytes: 256 * 1024,
  /** How long bodies by reference are kept: twice what records are, and a day. */
  bodiesKeptMs: 15 * 24 * 3600 * 1000,
  /** Largest record batch for one partition; the broker refuses 1 MiB whole. */
  batchBytes: 900 * 1024,
  /** Unfinished records below the highest taken one, per partition: bounds the commit metadata (2.6 KB of the broker's 4,096). */
  inFlightPerPartition: 1024,
  /** The broker's `offset.metadata.max.bytes`. */
  commitMetadataBytes: 4096,
  /** Calls that one ingress replica has waiting. */
  waitingCalls: 20_000,
  /** Records waiting inside one appender. */
  appendQueueRecords: 50_000,
  appendQueueBytes: 256 * 1024 * 1024,
  /** Seconds that a call may take: rest-api §1.1. */
  timeoutDefaultS: 300,
  timeoutMaxS: 3000,
  /** How often an executor's transaction is committed. */
  settleEveryMs: 50,
  /** Ids that an executor remembers per partition to drop later copies. */
  recentIdsPerPartition: 10_000,
  recentIdsBytes: 64 * 1024 * 1024,
  /** Text kept of one run's stdout and stderr. */
  logBytesPerRun: 64 * 1024,
  /** Concurrent calls of one account: rest-api §1.1. */
  concurrentCallsPerAccount: 80,
  /** Calls below one another, and calls that one run waits for at once: runtime §6.1. */
  chainDepthMax: 24,
  childrenAtOnceMax: 24,
  /** How long a run token may be shown: it is made for one request. Bounds how far clocks may be apart. */
  runTokenValidMs: 60_000,
  /** How long a stored answer is served: GET /v1/requests, Idempotency-Key. */
  answersKeptMs: 24 * 3600 * 1000,
  /** What the source of one algorithm may hold, unpacked. */
  sourceEntries: 20_000,
  sourceBytes: 512 * 1024 * 1024,
  /** What one layer of an artefact may hold, unpacked. */
  layerEntries: 500_000,
  layerBytes: 16 * 1024 * 1024 * 1024,
  /** Deliveries of one poisonous record before it is parked. */
  blamedMax: 2,
} as const;
