import type { Clock } from '../kernel/clock.ts';
import type { BodyType, Request, Result } from '../kernel/contracts/contracts.gen.ts';
import { requestIdOf } from '../kernel/ids.ts';
import type { Random } from '../kernel/random.ts';
import { type Ended, notRun, type SandboxCall, type SandboxClass } from './call.ts';
import type { Forwarder } from './chaining/forward.ts';
import { withinLimits } from './results/outputs.ts';
import { resultOf } from './results/result-message.ts';
import { endedOf } from './run-end.ts';
import { timeoutError } from './run-error.ts';
import type { OpenSession, Session } from './session.ts';

/** A call that somebody on this machine makes. */
export interface DirectCall {
  readonly contentType: BodyType;
  readonly body: Buffer;
  /** From now on, waiting included. */
  readonly timeoutMs: number;
}

/** A loaded algorithm. A sandbox that ended with a call is replaced before the next one, as in a pool. */
export interface DirectSession {
  /** Runs the call when those before it are done. Never rejects: whatever happens is its result. */
  run(call: DirectCall): Promise<Result>;
  /** Ends the sandbox when the calls that were made are done. May be called twice. */
  close(): Promise<void>;
}

export interface DirectSessionDeps {
  readonly sandboxClass: SandboxClass;
  readonly open: OpenSession;
  /** Takes the calls that the algorithm makes. */
  readonly forwarder: Forwarder;
  readonly clock: Clock;
  readonly random: Random;
}

const local = 'local';
const closeGraceMs = 500;

const callOf = ({ sandboxClass, clock, random }: DirectSessionDeps, call: DirectCall): SandboxCall => {
  const id = requestIdOf(random.uuid());
  const nowMs = Math.round(clock.nowMs());
  const { build } = sandboxClass;
  const request: Request = {
    algorithmId: build.algorithmId,
    algorithm: build.algorithmId,
    build: build.hash,
    version: null,
    account: local,
    keyId: local,
    origin: 'rest',
    parent: null,
    session: id,
    flow: null,
    causation: null,
    replyPartition: null,
    replyAccount: null,
    stored: false,
    idempotencyKey: null,
    wantsStdout: true,
    acceptedAtMs: nowMs,
    contentType: call.contentType,
    body: call.body,
    bodyRef: null,
  };
  return { id, attempt: 1, takenAtMs: nowMs, deadlineMs: nowMs + call.timeoutMs, request, sandboxClass };
};

class SerialSession implements DirectSession {
  readonly #deps: DirectSessionDeps;
  #session: Session | null;
  #turn: Promise<unknown> = Promise.resolve();

  constructor(deps: DirectSessionDeps, session: Session) {
    this.#deps = deps;
    this.#session = session;
  }

  async run(direct: DirectCall): Promise<Result> {
    const call = callOf(this.#deps, direct);
    const turn = this.#turn.then(async () => await this.#execute(call, direct.body));
    this.#turn = turn;
    const ended = withinLimits(await turn);
    return resultOf(call, ended, { executor: local, bodyRef: null });
  }

  async close(): Promise<void> {
    const turn = this.#turn.then(async () => await this.#end(closeGraceMs));
    this.#turn = turn;
    await turn;
  }

  async #execute(call: SandboxCall, body: Buffer): Promise<Ended> {
    const { clock, forwarder, open, sandboxClass } = this.#deps;
    const cold = this.#session?.alive !== true;
    if (cold) {
      await this.#end(0);
      const end = await open(sandboxClass);
      if (end.kind === 'failed') return notRun(clock.nowMs(), 'failed', end.failure.error);
      this.#session = end.session;
    }
    const leftMs = call.deadlineMs - clock.nowMs();
    if (leftMs <= 0 || this.#session === null) return notRun(clock.nowMs(), 'timeout', timeoutError);
    const startedAtMs = clock.nowMs();
    const run = { call, link: { headers: [], onWaits: () => {} } };
    const end = await this.#session.run(call, body, leftMs, { run, forwarder });
    if (!end.reusable) await this.#end(0);
    return endedOf(end, { startedAtMs, finishedAtMs: clock.nowMs(), cold });
  }

  async #end(graceMs: number): Promise<void> {
    const session = this.#session;
    this.#session = null;
    await session?.close(graceMs);
  }
}

/** A session over a sandbox that has loaded the algorithm. */
export const createDirectSession = (deps: DirectSessionDeps, session: Session): DirectSession =>
  new SerialSession(deps, session);
