import { defineErrors } from '../../kernel/errors.ts';

/** What can keep the embedded Apache Kafka from running. */
export const embeddedLogErrors = defineErrors('EMBEDDED_LOG', {
  /** The artefacts or Java are not on this machine. */
  NOT_INSTALLED: 'unavailable',
  /** Another process listens on the port. */
  PORT_TAKEN: 'conflict',
  /** Another running platform uses the same data folder. */
  IN_USE: 'conflict',
  /** There is data, but not the password that it was formatted with. */
  CREDENTIALS_LOST: 'unavailable',
  /** The data folder could not be formatted. */
  FORMAT_FAILED: 'internal',
  /** The broker ended while starting, or did not answer in time. */
  START_FAILED: 'unavailable',
});
