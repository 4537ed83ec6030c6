import { constants, openSync } from 'node:fs';
import { Socket } from 'node:net';

/**
 * Opens our end of a result pipe. Read-write, so that a reader exists for the sandbox's whole life: a runner whose
 * answer takes several writes never finds the pipe closed (EPIPE), and we never see an end of file between answers.
 */
export const openResultChannel = (path: string): Socket => {
  const fd = openSync(path, constants.O_RDWR | constants.O_NONBLOCK);
  return new Socket({ fd, readable: true, writable: false });
};
