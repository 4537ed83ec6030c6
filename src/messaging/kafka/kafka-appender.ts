import { appendBySink } from '../append.ts';
import { messagingErrors } from '../errors.ts';
import type { Appender, AppendSink, OutRecord, Place } from '../messaging.ts';
import type { Links } from './cluster.ts';
import type { Producer } from './producer.ts';

/** The port's appender: a producer that can be closed. */
export class KafkaAppender implements Appender {
  readonly #producer: Producer;
  readonly #links: Links;
  readonly #onClosed: (appender: KafkaAppender) => void;
  #closing: Promise<void> | null = null;

  constructor(producer: Producer, links: Links, onClosed: (appender: KafkaAppender) => void) {
    this.#producer = producer;
    this.#links = links;
    this.#onClosed = onClosed;
  }

  async append(record: OutRecord): Promise<Place> {
    return await appendBySink(this, record);
  }

  send(record: OutRecord, sink: AppendSink): void {
    if (this.#closing === null) this.#producer.send(record, sink);
    else sink.failed(closed(), record);
  }

  async close(): Promise<void> {
    this.#closing ??= this.#close();
    await this.#closing;
  }

  async #close(): Promise<void> {
    await this.#producer.drained();
    this.#producer.fail(closed());
    await this.#links.close();
    this.#onClosed(this);
  }
}

const closed = (): Error => messagingErrors.CLOSED({ message: 'This appender was closed; open another one.' });
