import { sleep } from '../../src/kernel/clock.ts';
import type { SimProcess } from './sim-process.ts';
import { identityOf, messageOf, simTopics } from './sim-topics.ts';

const lanes = ['a', 'b', 'c', 'd', 'e'] as const;

/** Callers that wait for their answers, as ingress does: registered before the request is published. */
export class Callers {
  readonly #process: SimProcess;
  /** Accepted by the log; how often the caller was answered. */
  readonly accepted = new Map<string, number>();
  readonly #waiting = new Map<string, number>();

  constructor(process: SimProcess) {
    this.#process = process;
  }

  async call(count: number): Promise<void> {
    const { messaging, clock, random } = this.#process;
    for (let partition = 0; partition < simTopics.results.partitions; partition += 1) {
      await messaging.own({
        topic: simTopics.results,
        partition,
        from: 'start',
        isolation: 'uncommitted',
        onRecords: (records) => {
          for (const record of records) this.#answer(identityOf(record).id);
        },
        onFailed: (error) => {
          throw error;
        },
      });
    }
    const appender = await messaging.appender({ name: 'callers' });
    const calls = Array.from({ length: count }, async (_, index) => {
      await sleep(clock, random.below(2_500));
      const id = `call-${index}`;
      this.#waiting.set(id, 0);
      const request = messageOf(simTopics.requests, { id, attempt: 1, lane: random.pick(lanes) }, 'request');
      const accepted = await appender.append(request).then(
        () => true,
        () => false,
      );
      // One that the log did not accept is answered with an error at once, whatever becomes of it.
      if (accepted) this.accepted.set(id, this.#waiting.get(id) ?? 0);
      else this.#waiting.delete(id);
    });
    await Promise.all(calls);
  }

  #answer(id: string): void {
    const answers = this.#waiting.get(id);
    if (answers === undefined || answers > 0) return;
    this.#waiting.set(id, answers + 1);
    if (this.accepted.has(id)) this.accepted.set(id, answers + 1);
  }
}

/** Publishers on the inbox: each goes on until the log accepted its message, lane by lane in order. */
export const publish = async (process: SimProcess, count: number, onAccepted: (id: string) => void): Promise<void> => {
  const { messaging, clock, random } = process;
  const appender = await messaging.appender({ name: 'publishers' });
  const publishLane = async (lane: string): Promise<void> => {
    for (let left = Math.ceil(count / lanes.length); left > 0; ) {
      await sleep(clock, random.below(80));
      try {
        const place = await appender.append({
          topic: simTopics.inbox,
          key: Buffer.from(lane),
          value: Buffer.from('message'),
          headers: [],
        });
        onAccepted(`${simTopics.inbox.name}-${place.partition}-${place.offset.toString()}`);
        left -= 1;
      } catch {
        // The log may or may not hold it: the publisher sends it again, as another message.
      }
    }
  };
  await Promise.all(lanes.map(async (lane) => await publishLane(lane)));
};
