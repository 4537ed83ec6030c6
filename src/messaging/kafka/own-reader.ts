import type { InRecord, OwnOptions, OwnReader } from '../messaging.ts';
import type { Feed, FeedTarget } from './feed.ts';
import type { Fetcher } from './fetcher.ts';

/** The port's reader of one partition: a feed of its own fetcher. */
export class KafkaOwnReader implements OwnReader, FeedTarget {
  readonly fullName: string;
  readonly topic: string;
  readonly partition: number;
  readonly #options: OwnOptions;
  readonly #fetcher: Fetcher;
  readonly #feed: Feed;
  readonly #onClosed: (reader: KafkaOwnReader) => void;
  #position: bigint;

  constructor(
    options: OwnOptions,
    fullName: string,
    start: { readonly fetcher: Fetcher; readonly position: bigint },
    onClosed: (reader: KafkaOwnReader) => void,
  ) {
    this.#options = options;
    this.fullName = fullName;
    this.topic = options.topic.name;
    this.partition = options.partition;
    this.#position = start.position;
    this.#fetcher = start.fetcher;
    this.#onClosed = onClosed;
    this.#feed = start.fetcher.add(this, start.position);
  }

  get position(): bigint {
    return this.#position;
  }

  deliver(records: readonly InRecord[]): Promise<void> | void {
    return this.#options.onRecords(records);
  }

  passed(next: bigint): void {
    this.#position = next;
    this.#options.onPosition?.(next);
  }

  failed(error: Error): void {
    this.#options.onFailed(error);
  }

  async close(): Promise<void> {
    this.#feed.close();
    await this.#fetcher.close();
    this.#onClosed(this);
  }
}
