import type { LoadCall } from './chaos-load.ts';
import { type Aftermath, acknowledgedId } from './chaos-promises.ts';

/** How long the lanes of a dead executor went unanswered. */
export interface Recovery {
  /** Partitions that it served before it died and that were answered by another one afterwards. */
  readonly partitions: number;
  /** From the kill to the first answer, of the partition that had it first and of the one that had it last. */
  readonly firstMs: number;
  readonly lastMs: number;
}

interface Served {
  readonly partition: number;
  readonly executor: string;
  readonly sentAtMs: number;
  readonly endedAtMs: number;
}

/** Which executor answered which call, by the committed results. */
const servedOf = (calls: readonly LoadCall[], { results, partitions }: Aftermath): readonly Served[] => {
  const executors = new Map(results.map(({ requestId, result }) => [requestId, result.executor]));
  return calls.flatMap(({ sentAtMs, endedAtMs, ...call }) => {
    const id = acknowledgedId({ sentAtMs, endedAtMs, ...call }) ?? '';
    const executor = executors.get(id);
    const partition = partitions.get(id);
    if (executor === undefined || partition === undefined) return [];
    return [{ executor, partition, sentAtMs, endedAtMs }];
  });
};

/** An executor's name holds its process id. */
const isOf = (each: Served, pid: number): boolean => each.executor.includes(`/${pid}/`);

/** Times from the kill until the partitions that the dead one had served were answered again. */
export const recoveryOf = (
  calls: readonly LoadCall[],
  aftermath: Aftermath,
  death: { readonly killedAtMs: number; readonly pid: number },
): Recovery => {
  const { killedAtMs, pid } = death;
  const served = servedOf(calls, aftermath);
  const owned = new Set(served.filter((each) => isOf(each, pid)).map((each) => each.partition));
  const firsts = new Map<number, number>();
  for (const each of served) {
    if (!owned.has(each.partition) || isOf(each, pid) || each.endedAtMs < killedAtMs) continue;
    const passedMs = Math.round(each.endedAtMs - killedAtMs);
    firsts.set(each.partition, Math.min(firsts.get(each.partition) ?? passedMs, passedMs));
  }
  const times = [...firsts.values()];
  return { partitions: firsts.size, firstMs: Math.min(...times), lastMs: Math.max(...times) };
};

interface Span {
  readonly fromMs: number;
  readonly toMs: number;
}

/** Partitions whose calls that executor answered in that time. */
export const partitionsServedBy = (
  calls: readonly LoadCall[],
  aftermath: Aftermath,
  by: Span & { readonly pid: number },
): ReadonlySet<number> => {
  const within = servedOf(calls, aftermath).filter((each) => each.endedAtMs >= by.fromMs && each.endedAtMs <= by.toMs);
  return new Set(within.filter((each) => isOf(each, by.pid)).map((each) => each.partition));
};

/** Longest time in which calls waited on one lane (a partition) and none of them was answered, ms. */
const stallOf = (lane: readonly Served[], { fromMs, toMs }: Span): number => {
  const byEnd = [...lane].sort((a, b) => a.endedAtMs - b.endedAtMs);
  let stallMs = 0;
  let waitingSinceMs = Number.POSITIVE_INFINITY;
  for (let at = byEnd.length - 1; at >= 0; at -= 1) {
    const { sentAtMs = 0, endedAtMs = 0 } = byEnd[at] ?? {};
    waitingSinceMs = Math.min(waitingSinceMs, sentAtMs);
    const sinceMs = Math.max(waitingSinceMs, byEnd[at - 1]?.endedAtMs ?? 0);
    if (endedAtMs >= fromMs && sinceMs <= toMs) stallMs = Math.max(stallMs, endedAtMs - sinceMs);
  }
  return Math.round(stallMs);
};

/** Longest stall of any of these partitions in that span, ms. */
export const longestStall = (
  calls: readonly LoadCall[],
  aftermath: Aftermath,
  over: Span & { readonly partitions: ReadonlySet<number> },
): number => {
  const lanes = Map.groupBy(servedOf(calls, aftermath), (each) => each.partition);
  const untouched = [...lanes].filter(([partition]) => over.partitions.has(partition));
  return Math.max(0, ...untouched.map(([, lane]) => stallOf(lane, over)));
};
