import { protocolErrorsCodesById } from '@platformatic/kafka';

/** The broker's error codes that the driver decides on. */
export const codes = {
  offsetOutOfRange: 1,
  corruptMessage: 2,
  unknownTopicOrPartition: 3,
  leaderNotAvailable: 5,
  notLeaderOrFollower: 6,
  requestTimedOut: 7,
  replicaNotAvailable: 9,
  messageTooLarge: 10,
  offsetMetadataTooLarge: 12,
  networkException: 13,
  coordinatorLoading: 14,
  coordinatorNotAvailable: 15,
  notCoordinator: 16,
  recordListTooLarge: 18,
  notEnoughReplicas: 19,
  notEnoughReplicasAfterAppend: 20,
  unknownMemberId: 25,
  topicAuthorizationFailed: 29,
  groupAuthorizationFailed: 30,
  clusterAuthorizationFailed: 31,
  topicAlreadyExists: 36,
  outOfOrderSequence: 45,
  duplicateSequence: 46,
  invalidProducerEpoch: 47,
  invalidTxnState: 48,
  invalidProducerIdMapping: 49,
  concurrentTransactions: 51,
  transactionCoordinatorFenced: 52,
  transactionalIdAuthorizationFailed: 53,
  operationNotAttempted: 55,
  kafkaStorageError: 56,
  saslAuthenticationFailed: 58,
  unknownProducerId: 59,
  groupIdNotFound: 69,
  fencedLeaderEpoch: 74,
  unknownLeaderEpoch: 75,
  unstableOffsetCommit: 88,
  throttlingQuotaExceeded: 89,
  producerFenced: 90,
  unknownTopicId: 100,
  inconsistentTopicId: 103,
  newLeaderElected: 108,
  fencedMemberEpoch: 110,
  staleMemberEpoch: 113,
} as const;

const names: Readonly<Record<string, string>> = protocolErrorsCodesById;

/** The broker's own name of an error code, for messages. */
export const codeName = (code: number): string => names[String(code)] ?? `error ${code}`;

const set = (...members: number[]): ReadonlySet<number> => new Set(members);

/** The request reached the wrong broker, or one that is starting: ask for metadata again and repeat. */
export const leaderCodes = set(
  codes.unknownTopicOrPartition,
  codes.leaderNotAvailable,
  codes.notLeaderOrFollower,
  codes.replicaNotAvailable,
  codes.fencedLeaderEpoch,
  codes.unknownLeaderEpoch,
  codes.kafkaStorageError,
  codes.unknownTopicId,
  codes.inconsistentTopicId,
  codes.newLeaderElected,
);

/** The coordinator moved or is loading: look it up again and repeat. */
export const coordinatorCodes = set(
  codes.coordinatorLoading,
  codes.coordinatorNotAvailable,
  codes.notCoordinator,
  codes.requestTimedOut,
  codes.networkException,
  codes.throttlingQuotaExceeded,
);

/** The request may or may not have had its effect. */
export const ambiguousCodes = set(codes.requestTimedOut, codes.networkException, codes.notEnoughReplicasAfterAppend);

export const authorizationCodes = set(
  codes.topicAuthorizationFailed,
  codes.groupAuthorizationFailed,
  codes.clusterAuthorizationFailed,
  codes.transactionalIdAuthorizationFailed,
  codes.saslAuthenticationFailed,
);

/** Another producer with this transactional id took over, or the coordinator aborted a transaction that was open too long. */
export const producerFencedCodes = set(codes.invalidProducerEpoch, codes.producerFenced);

/** The records were not appended; a later attempt may succeed. */
export const retriableAppendCodes = set(
  codes.corruptMessage,
  codes.notEnoughReplicas,
  codes.concurrentTransactions,
  codes.throttlingQuotaExceeded,
  codes.coordinatorLoading,
  codes.coordinatorNotAvailable,
  codes.notCoordinator,
);

/** The broker and the producer disagree on the sequence: it must start anew. */
export const sequenceCodes = set(
  codes.outOfOrderSequence,
  codes.duplicateSequence,
  codes.unknownProducerId,
  codes.invalidProducerIdMapping,
);
