import type { Clock } from '../../kernel/clock.ts';
import { PlatformError } from '../../kernel/errors.ts';
import type { Logger } from '../../kernel/logger.ts';
import { asError, isUnavailable } from './append-errors.ts';
import { type Cluster, codeError, type Links } from './cluster.ts';
import { Feed, type FeedTarget } from './feed.ts';
import { type FetchedPart, fetchApi, type Isolation } from './fetch-request.ts';
import type { HeaderNames } from './header-names.ts';
import type { Link } from './link.ts';
import { listOffsets } from './list-offsets.ts';
import { authorizationCodes, codeName, codes, leaderCodes } from './protocol-codes.ts';
import { decodeSlice } from './record-decoder.ts';

export interface FetcherOptions {
  readonly cluster: Cluster;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly name: string;
  readonly isolation: Isolation;
  readonly names: HeaderNames;
}

/** Connections to one broker. A fetch that waits there occupies its own. */
interface Station {
  readonly node: number;
  readonly idle: Link[];
  readonly links: Link[];
  inFlight: number;
  failures: number;
  overtaking: boolean;
}

const waitMaxMs = 2_000;
const bytesMax = 4 * 1024 * 1024;
const partitionBytesMax = 1024 * 1024;
const linksMax = 8;
/** How long a partition that just became hungry waits for the fetch under way before it is overtaken by a new one. */
const patienceMs = 3;
const unknownTopicMs = 15_000;
const restMs = (failures: number): number => Math.min(500, 20 * 2 ** Math.min(failures, 5));

/**
 * Reads partitions by long polls, one fetch per leader at a time. A fetch that waits at the broker cannot be changed,
 * so a partition that becomes hungry meanwhile gets a new fetch that covers all of them; what the old one still
 * brings is ignored.
 */
export class Fetcher {
  readonly #options: FetcherOptions;
  readonly #feeds = new Set<Feed>();
  readonly #stations = new Map<number, Station>();
  readonly #links: Links;
  #pumping = false;
  #closed = false;

  constructor(options: FetcherOptions) {
    this.#options = options;
    this.#links = options.cluster.links(`${options.name}/offsets`);
  }

  /** Starts reading a partition at an offset. Close the feed to stop. */
  add(target: FeedTarget, position: bigint): Feed {
    const feed = new Feed(target, position, () => {
      this.#pumpSoon();
    });
    this.#feeds.add(feed);
    this.#pumpSoon();
    return feed;
  }

  async close(): Promise<void> {
    this.#closed = true;
    for (const feed of this.#feeds) feed.close();
    this.#feeds.clear();
    const links = [...this.#stations.values()].flatMap((station) => station.links);
    await Promise.all([this.#links.close(), ...links.map(async (link) => await link.close())]);
  }

  #pumpSoon(): void {
    if (this.#pumping) return;
    this.#pumping = true;
    queueMicrotask(() => {
      this.#pumping = false;
      this.#pump();
    });
  }

  /** Sends the fetches that can be sent now. */
  #pump(): void {
    if (this.#closed) return;
    const hungry = new Map<number, Feed[]>();
    for (const feed of this.#feeds) {
      if (feed.closed) this.#feeds.delete(feed);
      if (!feed.hungry) continue;
      const leader = this.#leaderOf(feed);
      if (leader < 0) void this.#locate(feed);
      else hungry.set(leader, [...(hungry.get(leader) ?? []), feed]);
    }
    for (const [node, feeds] of hungry) {
      const station = this.#station(node);
      if (station.inFlight === 0) void this.#fetch(station, feeds);
      else this.#overtakeLater(station);
    }
  }

  #leaderOf(feed: Feed): number {
    return this.#options.cluster.known(feed.target.fullName)?.leaders[feed.target.partition] ?? -1;
  }

  #station(node: number): Station {
    let station = this.#stations.get(node);
    if (station === undefined) {
      station = { node, idle: [], links: [], inFlight: 0, failures: 0, overtaking: false };
      this.#stations.set(node, station);
    }
    return station;
  }

  #overtakeLater(station: Station): void {
    if (station.overtaking) return;
    station.overtaking = true;
    this.#options.clock.after(patienceMs, () => {
      station.overtaking = false;
      this.#overtake(station);
    });
  }

  #overtake(station: Station): void {
    if (this.#closed) return;
    const ours = [...this.#feeds].filter((feed) => this.#leaderOf(feed) === station.node);
    if (!ours.some((feed) => feed.hungry)) return;
    if (station.inFlight >= linksMax) {
      this.#overtakeLater(station);
      return;
    }
    void this.#fetch(
      station,
      ours.filter((feed) => feed.hungry || (feed.request !== null && !feed.closed && !feed.paused)),
    );
  }

  /** One fetch and its consequences. Never rejects. */
  async #fetch(station: Station, feeds: readonly Feed[]): Promise<void> {
    const { cluster, name, isolation } = this.#options;
    let link = station.idle.pop();
    if (link === undefined) {
      link = cluster.link(station.node, name);
      station.links.push(link);
    }
    const request = {};
    for (const feed of feeds) feed.request = request;
    const parts = feeds.map((feed) => ({
      topicId: cluster.known(feed.target.fullName)?.id ?? '',
      partition: feed.target.partition,
      offset: feed.position,
    }));
    station.inFlight += 1;
    try {
      const response = await link.call(fetchApi, { isolation, waitMaxMs, bytesMax, partitionBytesMax, parts });
      station.failures = 0;
      this.#accept(request, feeds, response.parts);
    } catch (error) {
      this.#failed(station, request, feeds, error);
    }
    station.inFlight -= 1;
    station.idle.push(link);
    this.#pump();
  }

  #accept(request: object, feeds: readonly Feed[], parts: readonly FetchedPart[]): void {
    const current = feeds.filter((feed) => feed.request === request);
    for (const feed of current) feed.request = null;
    for (const part of parts) {
      const feed = current.find(
        (each) =>
          each.target.partition === part.partition &&
          this.#options.cluster.known(each.target.fullName)?.id === part.topicId,
      );
      if (feed === undefined || feed.closed) continue;
      if (part.errorCode !== 0) this.#refused(feed, part.errorCode);
      else if (part.bytes.length > 0) this.#offer(feed, part);
    }
  }

  #offer(feed: Feed, part: FetchedPart): void {
    const { topic, partition } = feed.target;
    const { names, isolation } = this.#options;
    const aborted = isolation === 'committed' ? part.aborted : null;
    feed.unknownSinceMs = null;
    feed.offer(decodeSlice(part.bytes, { topic, partition, from: feed.position, aborted, names }));
  }

  #failed(station: Station, request: object, feeds: readonly Feed[], error: unknown): void {
    const current = feeds.filter((feed) => feed.request === request);
    station.failures += 1;
    for (const feed of current) {
      feed.request = null;
      if (isUnavailable(error)) {
        this.#options.cluster.forget(feed.target.fullName);
        this.#rest(feed, restMs(station.failures));
      } else if (!this.#closed) {
        this.#end(feed, asError(error));
      }
    }
  }

  #refused(feed: Feed, code: number): void {
    const { cluster, logger } = this.#options;
    const { fullName, partition } = feed.target;
    if (authorizationCodes.has(code)) {
      this.#end(feed, codeError(code, `reading partition ${partition} of ${fullName}`));
    } else if (code === codes.offsetOutOfRange) {
      void this.#clamp(feed);
    } else {
      if (leaderCodes.has(code)) cluster.forget(fullName);
      else logger.warn({ event: 'fetch.refused', topic: fullName, partition, reason: codeName(code) });
      this.#rest(feed, restMs(2));
    }
  }

  #rest(feed: Feed, delayMs: number): void {
    feed.resting = true;
    this.#options.clock.after(delayMs, () => {
      feed.resting = false;
      this.#pump();
    });
  }

  #end(feed: Feed, error: Error): void {
    feed.close();
    feed.target.failed(error);
  }

  /** Asks where the partition is. Never rejects. */
  async #locate(feed: Feed): Promise<void> {
    const { cluster, clock } = this.#options;
    feed.resting = true;
    try {
      await cluster.topic(feed.target.fullName);
      feed.unknownSinceMs = null;
    } catch (error) {
      const unknown =
        error instanceof PlatformError && error.details['code'] === codeName(codes.unknownTopicOrPartition);
      feed.unknownSinceMs = unknown ? (feed.unknownSinceMs ?? clock.monotonicMs()) : null;
      const gone = feed.unknownSinceMs !== null && clock.monotonicMs() - feed.unknownSinceMs > unknownTopicMs;
      if ((gone || !isUnavailable(error)) && !this.#closed) this.#end(feed, asError(error));
    }
    if (this.#leaderOf(feed) < 0) cluster.forget(feed.target.fullName);
    this.#rest(feed, this.#leaderOf(feed) < 0 ? restMs(3) : 0);
  }

  /** The offset does not exist (records were deleted): reading goes on at the nearest one. Never rejects. */
  async #clamp(feed: Feed): Promise<void> {
    const { cluster, logger, isolation } = this.#options;
    const { fullName, partition } = feed.target;
    feed.resting = true;
    try {
      const ask = { cluster, links: this.#links, topic: fullName, partitions: [partition], isolation } as const;
      const [start = 0n] = await listOffsets({ ...ask, at: 'start' });
      const [end = 0n] = await listOffsets({ ...ask, at: 'end' });
      const nearest = feed.position < start ? start : end;
      const particulars = { topic: fullName, partition, wanted: String(feed.position), nearest: String(nearest) };
      logger.warn({ event: 'fetch.offset.missing', ...particulars });
      feed.offer({ records: [], next: nearest });
    } catch (error) {
      if (!isUnavailable(error) && !this.#closed) this.#end(feed, asError(error));
    }
    this.#rest(feed, restMs(1));
  }
}
