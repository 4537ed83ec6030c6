import type { Clock } from '../../kernel/clock.ts';
import { sandboxErrors } from '../errors.ts';
import type { Sandbox } from '../sandbox.ts';

const marker = 'PIPE_ADOPTABLE\n';

/** Resolves when the runner says that it waits for an algorithm. Otherwise ends the sandbox; throws `SANDBOX_LOAD_FAILED`. */
export const waitAdoptable = async (sandbox: Sandbox, clock: Clock, timeoutMs: number): Promise<void> => {
  const { promise, resolve } = Promise.withResolvers<boolean>();
  let said = '';
  const read = (chunk: Buffer): void => {
    said = `${said}${chunk.toString('latin1')}`.slice(-2_000);
    if (said.endsWith(marker)) resolve(true);
  };
  const fail = (): void => {
    resolve(false);
  };
  sandbox.stdout.on('data', read);
  void sandbox.exited.then(fail);
  const cancel = clock.after(timeoutMs, fail);
  const ready = await promise;
  cancel();
  sandbox.stdout.off('data', read);
  if (ready) return;
  await sandbox.stop(0);
  throw sandboxErrors.LOAD_FAILED({
    message: `The runner in sandbox ${sandbox.id} did not come to wait for an algorithm. It printed: ${said}`,
    details: { log: said, sandbox: sandbox.id },
  });
};
