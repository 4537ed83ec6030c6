import type { Clock } from '../kernel/clock.ts';
import type { Logger } from '../kernel/logger.ts';
import { type Call, type Ended, notRun, type SandboxClass } from './call.ts';
import type { Forwarder } from './chaining/forward.ts';
import { createExecuteCall } from './execute-call.ts';
import type { ClassKey } from './pool/class-key.ts';
import { createClassQueues } from './pool/class-queues.ts';
import { type Decision, decide, isStuck, type PoolPolicy } from './pool/decide.ts';
import { createFailureBook } from './pool/failure-book.ts';
import { type Figures, figuresOf } from './pool/figures.ts';
import { createMemoryBook } from './pool/memory-book.ts';
import { demandsWith, type ReservedClass } from './pool/reserved.ts';
import {
  type Busy,
  begin,
  cold,
  type DrainReason,
  drain,
  drainAfter,
  finish,
  gone,
  type Lent,
  lend,
  measured,
  type Preparing,
  prepare,
  prepared,
  takeBack,
  type Warm,
} from './pool/slot.ts';
import { createSlotTable } from './pool/slot-table.ts';
import { createStuckBook } from './pool/stuck-book.ts';
import { endedOf } from './run-end.ts';
import { noRoomError, timeoutError } from './run-error.ts';
import type { OpenEnd, OpenSession, Session } from './session.ts';
import type { Tenant } from './tenant.ts';

export interface DispatcherDeps {
  readonly clock: Clock;
  readonly logger: Logger;
  readonly slots: number;
  readonly policy: PoolPolicy;
  readonly open: OpenSession;
  /** A large body by its reference. */
  fetchBody(ref: string): Promise<Buffer>;
  /** Null: running calls can make no calls. */
  readonly forwarder: Forwarder | null;
  /** Of which classes sandboxes are kept warm; asked again and again. */
  reserved(): readonly ReservedClass[];
  /** Called once for every call that was offered and not given back. */
  onEnd(call: Call, ended: Ended): void;
}

/** What a dispatcher does at one moment. */
export interface DispatcherState extends Figures {
  readonly slots: number;
  /** Sandboxes whose calls wait for calls that they made. */
  readonly lent: number;
  readonly queued: number;
}

/** Brings calls and sandboxes together: a warm sandbox pulls the next call of its class. */
export interface Dispatcher {
  /** Runs the call or queues it. */
  offer(call: Call): void;
  /** Gives back the queued calls of that period of ownership. */
  release(generation: number): void;
  state(): DispatcherState;
  /** Gives back what is queued and ends every sandbox, running calls included. May be called twice. */
  close(): Promise<void>;
}

/** How often waiting calls are looked at, and an idle pool. */
const busyLookMs = 20;
const idleLookMs = 1_000;
const measureEveryMs = 1_000;
const turnKeptMs = 60_000;
const graceMs = 1_000;
class SlotDispatcher implements Dispatcher {
  readonly #deps: DispatcherDeps;
  readonly #table;
  readonly #tenants = new Map<number, Tenant>();
  readonly #queues = createClassQueues();
  readonly #execute;
  readonly #failures;
  readonly #memory = createMemoryBook();
  readonly #stuck;
  /** When a sandbox of the class was ended last. */
  readonly #leftMs = new Map<ClassKey, number>();
  #cancelLook = (): void => {};
  #lookAtMs = Number.POSITIVE_INFINITY;
  #measuredMs = 0;
  #closing: Promise<void> | null = null;
  #onQuiet: (() => void) | null = null;

  constructor(deps: DispatcherDeps) {
    this.#deps = deps;
    this.#table = createSlotTable(deps.slots);
    this.#failures = createFailureBook(deps.clock);
    this.#stuck = createStuckBook(deps.clock);
    this.#execute = createExecuteCall(deps);
    this.#lookWithin(idleLookMs);
  }

  offer(call: Call): void {
    if (this.#closing !== null) {
      call.delivery.giveBack();
      return;
    }
    const { key } = call.sandboxClass;
    const warm = this.#lastUsedAlive(key);
    if (warm !== undefined && (call.request.origin === 'child' || this.#table.admitsOutside())) {
      this.#run(warm, call);
      return;
    }
    const broken = this.#failures.answerFor(key);
    const holds = this.#table.holds(key);
    if (broken !== null && !holds) {
      this.#deps.onEnd(call, notRun(this.#deps.clock.nowMs(), 'failed', broken));
      return;
    }
    this.#queues.offer({ call, sinceMs: this.#deps.clock.monotonicMs() });
    this.#lookWithin(holds ? busyLookMs : 0);
  }

  release(generation: number): void {
    this.#giveBack((call) => call.delivery.generation === generation);
  }

  state(): DispatcherState {
    const { slots, lent } = this.#table;
    const figures = figuresOf(slots, (id) => this.#tenants.get(id)?.sandboxClass);
    return { slots: this.#deps.slots, lent, queued: this.#queues.size, ...figures };
  }

  async close(): Promise<void> {
    this.#closing ??= this.#end();
    await this.#closing;
  }

  async #end(): Promise<void> {
    this.#giveBack(() => true);
    for (const slot of [...this.#table.slots]) {
      if (slot.state === 'warm') this.#drain(slot, 'stopping');
      else if (slot.state === 'busy' || slot.state === 'lent') this.#endBusy(slot);
      else if (slot.state === 'preparing') this.#table.put(drain(slot, 'stopping'));
    }
    if (!this.#isQuiet()) {
      await new Promise<void>((resolve) => {
        this.#onQuiet = resolve;
      });
    }
    this.#cancelLook();
  }

  /** Whoever waited for this call waits elsewhere now: its end comes as that of a call whose sandbox ended. */
  #endBusy(slot: Busy | Lent): void {
    this.#table.put(drainAfter(slot, 'stopping'));
    void this.#tenants.get(slot.id)?.session?.close(0);
  }

  /** No sandbox is left. One that is still loading ends as soon as it has loaded, or with its driver. */
  #isQuiet(): boolean {
    return [...this.#tenants.values()].every((tenant) => tenant.session === null);
  }

  #giveBack(matches: (call: Call) => boolean): void {
    for (const call of this.#queues.remove(matches)) call.delivery.giveBack();
  }

  #lookWithin(delayMs: number): void {
    const atMs = this.#deps.clock.monotonicMs() + delayMs;
    if (atMs >= this.#lookAtMs) return;
    this.#cancelLook();
    this.#lookAtMs = atMs;
    this.#cancelLook = this.#deps.clock.after(delayMs, () => {
      this.#lookAtMs = Number.POSITIVE_INFINITY;
      this.#look();
    });
  }

  /** Expires what waited too long, measures, and does what the pool decides. */
  #look(): void {
    const { clock, policy } = this.#deps;
    const nowMs = clock.monotonicMs();
    this.#expire();
    if (nowMs - this.#measuredMs >= measureEveryMs) {
      this.#measuredMs = nowMs;
      this.#failures.forgetOld();
      for (const [key, leftMs] of this.#leftMs) if (nowMs - leftMs > turnKeptMs) this.#leftMs.delete(key);
      this.#measure();
    }
    if (this.#closing === null) {
      this.#match();
      const figures = {
        expectedBytes: (sandboxClass: SandboxClass) => this.#memory.expectedOf(sandboxClass),
        leftMs: (key: ClassKey) => this.#leftMs.get(key) ?? Number.NEGATIVE_INFINITY,
      };
      const [{ slots }, reserved] = [this.#table, this.#deps.reserved()];
      // Old enough for a further sandbox, never so old that a running call had to make room.
      const sinceMs = nowMs - policy.growAfterMs;
      const { classes, demands } = demandsWith(reserved, this.#queues, { slots, figures, sinceMs });
      const pool = { nowMs, capacity: this.#deps.slots, slots, demands, failures: this.#failures.all };
      const decisions = decide(pool, policy);
      this.#freeStuck(isStuck(pool, decisions));
      for (const decision of decisions) this.#carryOut(decision, classes);
    }
    this.#lookWithin(this.#queues.size > 0 ? busyLookMs : idleLookMs);
  }

  #expire(): void {
    if (this.#queues.size === 0) return;
    const nowMs = this.#deps.clock.nowMs();
    for (const call of this.#queues.remove(({ deadlineMs }) => deadlineMs <= nowMs)) this.#timeOut(call);
  }

  #match(): void {
    for (const classKey of this.#queues.classes().keys()) {
      for (let warm = this.#lastUsedAlive(classKey); warm !== undefined; warm = this.#lastUsedAlive(classKey)) {
        const call = this.#pull(classKey);
        if (call === undefined) break;
        this.#run(warm, call);
      }
    }
  }

  #freeStuck(stuck: boolean): void {
    const lent = this.#table.slots.filter((slot) => slot.state === 'lent');
    const call = this.#stuck.victim(stuck, this.#queues, () =>
      lent.flatMap(({ id }) => this.#tenants.get(id)?.call ?? []),
    );
    if (call !== null) this.#deps.onEnd(call, notRun(this.#deps.clock.nowMs(), 'failed', noRoomError(lent.length)));
  }

  #timeOut(call: Call): void {
    this.#deps.onEnd(call, notRun(this.#deps.clock.nowMs(), 'timeout', timeoutError));
  }

  #measure(): void {
    for (const [id, tenant] of this.#tenants) {
      const { session } = tenant;
      if (session !== null) void this.#measureOne(id, tenant, session);
    }
  }

  async #measureOne(id: number, tenant: Tenant, session: Session): Promise<void> {
    const memoryBytes = await session.memoryBytes();
    if (memoryBytes === null || this.#tenants.get(id) !== tenant) return;
    const slot = this.#table.at(id);
    if (slot.state === 'cold' || slot.state === 'gone') return;
    this.#table.put(measured(slot, memoryBytes));
    this.#memory.measured(tenant.sandboxClass, memoryBytes);
  }

  #carryOut(decision: Decision, classes: ReadonlyMap<ClassKey, SandboxClass>): void {
    const slot = this.#table.at(decision.slotId);
    if (decision.kind === 'drain') {
      if (slot.state === 'warm') this.#drain(slot, decision.reason);
      else if (slot.state === 'busy' || slot.state === 'lent') this.#table.put(drainAfter(slot, decision.reason));
      return;
    }
    const sandboxClass = classes.get(decision.classKey);
    if (slot.state !== 'cold' || sandboxClass === undefined) return;
    const { classKey, memoryBytes } = decision;
    this.#table.put(prepare(slot, { classKey, memoryBytes, nowMs: this.#deps.clock.monotonicMs() }));
    const tenant: Tenant = { sandboxClass, session: null, call: null };
    this.#tenants.set(slot.id, tenant);
    void this.#open(slot.id, tenant);
  }

  async #open(id: number, tenant: Tenant): Promise<void> {
    const end = await this.#deps.open(tenant.sandboxClass);
    const slot = this.#table.at(id);
    if (slot.state !== 'preparing' && slot.state !== 'draining') throw new Error(`slot ${id} changed while it opened`);
    if (end.kind === 'failed') {
      this.#leave(id);
      this.#opened(tenant.sandboxClass, end);
      return;
    }
    tenant.session = end.session;
    void end.session.exited.then(() => this.#exited(id, tenant));
    if (slot.state === 'draining') {
      void this.#endSession(id, end.session);
      return;
    }
    this.#failures.forget(slot.classKey);
    this.#goOn(prepared(slot, this.#deps.clock.monotonicMs()));
  }

  /** A preparation failed: whoever waits for this class and nothing else is told. */
  #opened(sandboxClass: SandboxClass, end: OpenEnd & { readonly kind: 'failed' }): void {
    const { key } = sandboxClass;
    const { kind, error } = end.failure;
    this.#failures.add(key, end.failure);
    this.#deps.logger.warn({ event: 'sandbox.not-prepared', class: key, kind, reason: error.message.slice(0, 2_000) });
    const answer = this.#failures.answerFor(key);
    if (answer !== null && !this.#table.holds(key)) {
      const nowMs = this.#deps.clock.nowMs();
      for (const call of this.#queues.remove(({ sandboxClass: { key: waitsFor } }) => waitsFor === key)) {
        this.#deps.onEnd(call, notRun(nowMs, 'failed', answer));
      }
    }
    this.#lookWithin(busyLookMs);
  }

  /** A warm sandbox of the class; those that are about to end are put away. */
  #lastUsedAlive(key: ClassKey): Warm | undefined {
    for (;;) {
      const warm = this.#table.lastUsed(key);
      if (warm === undefined || this.#tenants.get(warm.id)?.session?.alive === true) return warm;
      this.#drain(warm, 'crashed');
    }
  }

  /** A warm sandbox pulls the next call of its class, or waits. */
  #goOn(slot: Warm): void {
    this.#table.put(slot);
    const call = this.#pull(slot.classKey);
    if (call !== undefined) this.#run(slot, call);
  }

  #pull(classKey: ClassKey): Call | undefined {
    for (;;) {
      const call = this.#queues.take(classKey, this.#table.admitsOutside());
      if (call === undefined) return undefined;
      if (!call.delivery.live) call.delivery.giveBack();
      else if (call.deadlineMs <= this.#deps.clock.nowMs()) this.#timeOut(call);
      else return call;
    }
  }

  #run(warm: Warm, call: Call): void {
    const tenant = this.#tenants.get(warm.id);
    if (tenant === undefined || tenant.session === null) throw new Error(`slot ${warm.id} is warm without a sandbox`);
    tenant.call = call;
    const { clock } = this.#deps;
    const nowMs = clock.monotonicMs();
    this.#table.put(begin(warm, nowMs));
    const startedAtMs = clock.nowMs();
    // The first call of a sandbox that was asked for before the sandbox was: it waited for the start.
    const isCold = warm.runs === 0 && call.takenAtMs <= startedAtMs - (nowMs - warm.preparingSinceMs) + 1;
    const onWaits = (waits: boolean): void => this.#waits(warm.id, waits);
    void this.#execute(tenant.session, call, onWaits).then((end) => {
      tenant.call = null;
      this.#afterRun(warm.id, end.reusable);
      this.#deps.onEnd(call, endedOf(end, { startedAtMs, finishedAtMs: clock.nowMs(), cold: isCold }));
    });
  }

  /** Its call waits for calls that it made: its place is theirs until it goes on. */
  #waits(id: number, waits: boolean): void {
    const slot = this.#table.at(id);
    if (waits && slot.state === 'busy') this.#table.put(lend(slot));
    else if (!waits && slot.state === 'lent') this.#table.put(takeBack(slot));
    else return;
    if (this.#queues.size > 0) this.#lookWithin(0);
  }

  #afterRun(id: number, reusable: boolean): void {
    this.#waits(id, false);
    const slot = this.#table.at(id);
    if (slot.state !== 'busy') throw new Error(`slot ${id} ended a call while ${slot.state}`);
    if (!reusable) this.#drain(slot, 'crashed');
    else if (slot.drain !== null) this.#drain(slot, slot.drain);
    else this.#goOn(finish(slot, this.#deps.clock.monotonicMs()));
  }

  #drain(slot: Preparing | Warm | Busy, reason: DrainReason): void {
    this.#table.put(drain(slot, reason));
    const session = this.#tenants.get(slot.id)?.session;
    if (session !== undefined && session !== null) void this.#endSession(slot.id, session);
    this.#deps.logger.debug({ event: 'sandbox.drained', class: slot.classKey, slot: slot.id, reason });
  }

  async #endSession(id: number, session: Session): Promise<void> {
    await session.close(graceMs);
    this.#leave(id);
    this.#lookWithin(0);
  }

  /** The sandbox ended by itself while nobody ran in it. One that runs a call is told by the call's end. */
  #exited(id: number, tenant: Tenant): void {
    const slot = this.#table.at(id);
    if (this.#tenants.get(id) !== tenant || slot.state !== 'warm') return;
    this.#drain(slot, 'crashed');
  }

  #leave(id: number): void {
    const slot = this.#table.at(id);
    const tenant = this.#tenants.get(id);
    if (tenant !== undefined) this.#leftMs.set(tenant.sandboxClass.key, this.#deps.clock.monotonicMs());
    this.#tenants.delete(id);
    if (slot.state === 'preparing' || slot.state === 'draining') this.#table.put(gone(slot));
    else this.#table.put(cold(id));
    if (this.#isQuiet()) this.#onQuiet?.();
  }
}

/** Makes a dispatcher with cold slots. It looks after itself until it is closed. */
export const createDispatcher = (deps: DispatcherDeps): Dispatcher => new SlotDispatcher(deps);
