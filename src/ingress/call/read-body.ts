import type { IncomingMessage } from 'node:http';
import { ingressErrors } from '../errors.ts';

const nothing = Buffer.alloc(0);

const tooLarge = (limitBytes: number) =>
  ingressErrors.BODY_TOO_LARGE({
    message: `the request body is larger than ${limitBytes / 1024 / 1024} MiB, the most that a call may carry`,
  });

/**
 * The whole body. Throws `INGRESS_BODY_TOO_LARGE` as soon as it is known to be larger (by its declared length before
 * a byte is read) and `INGRESS_CANCELLED` when the sender goes away.
 */
export const readBody = async (request: IncomingMessage, limitBytes: number): Promise<Buffer> => {
  const declared = request.headers['content-length'];
  if (declared === '0' || (declared === undefined && request.headers['transfer-encoding'] === undefined))
    return nothing;
  if (declared !== undefined && Number(declared) > limitBytes) throw tooLarge(limitBytes);
  return await new Promise<Buffer>((resolve, reject) => {
    const chunks: Buffer[] = [];
    let sizeBytes = 0;
    request.on('data', (chunk: Buffer) => {
      sizeBytes += chunk.length;
      if (sizeBytes > limitBytes) {
        request.removeAllListeners('data');
        reject(tooLarge(limitBytes));
        return;
      }
      chunks.push(chunk);
    });
    request.on('end', () => {
      const [only] = chunks;
      resolve(chunks.length === 1 && only !== undefined ? only : Buffer.concat(chunks, sizeBytes));
    });
    const gone = (): void => reject(ingressErrors.CANCELLED({ message: 'the sender went away while sending' }));
    request.on('error', gone);
    request.on('close', () => {
      // Every request is closed in the end; only one that was not read whole was given up.
      if (!request.complete) gone();
    });
  });
};
