import { join } from 'node:path';
import type { Clock } from '../../kernel/clock.ts';
import type { Logger } from '../../kernel/logger.ts';
import type { Random } from '../../kernel/random.ts';
import { startAdoptable } from '../../sandboxes/runner.ts';
import type { SandboxDriver, SandboxSpec } from '../../sandboxes/sandbox.ts';
import { openEndpoint } from '../endpoint/endpoint.ts';
import { algorithmFolder, type Language, layerTargets, waitingCommand } from '../languages.ts';
import { type LimitsMax, limitsOfPrewarmed } from '../sandbox-limits.ts';
import { createStock, noStock, type Prewarmed, type Stock } from './stock.ts';

export interface OpenStockDeps {
  readonly driver: SandboxDriver;
  readonly languages: ReadonlyMap<string, Language>;
  readonly limitsMax: LimitsMax;
  readonly socketFolder: string;
  /** Sandboxes kept ready of each language. */
  readonly size: number;
  readonly memoryBudgetBytes: number;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
}

/** Part of the pool's memory that sandboxes without a class may take. */
const shareMax = 1 / 4;
const startTimeoutMs = 20_000;

const prewarm = async (
  deps: OpenStockDeps,
  language: Language,
  network: SandboxSpec['network'],
): Promise<Prewarmed> => {
  const { driver, clock, limitsMax } = deps;
  await language.prepare();
  const id = `run-${deps.random.uuid().slice(0, 18)}`;
  const endpoint = await openEndpoint(join(deps.socketFolder, `${id}.sock`));
  const spec: SandboxSpec = {
    id,
    command: waitingCommand(language),
    environment: language.environment,
    workingFolder: algorithmFolder,
    mounts: language.mounts,
    limits: limitsOfPrewarmed(limitsMax),
    network,
    resultChannel: true,
    endpoint: endpoint.path,
    adoptable: layerTargets(language),
  };
  try {
    return { endpoint, sandbox: await startAdoptable({ driver, spec, loadTimeoutMs: startTimeoutMs, clock }) };
  } catch (error) {
    await endpoint.close();
    throw error;
  }
};

/** Why there will be no stock; null: there will. */
const reasonAgainst = ({ driver, size, memoryBudgetBytes }: OpenStockDeps, stock: Stock): string | null => {
  if (size === 0) return 'MILLRACE_PREWARMED is 0';
  if (!driver.adopts) return `nothing can be mounted in running sandboxes of the driver ${driver.name} here`;
  return stock.memoryBytes() > memoryBudgetBytes * shareMax ? 'the memory budget is too small' : null;
};

/** The stock of this executor, filled in the background; one that stays empty where none is wanted or possible. */
export const openStock = (deps: OpenStockDeps): Stock => {
  const { clock, logger, size, languages } = deps;
  const stock = createStock({
    size,
    languages: [...languages.values()].filter(({ prewarmed }) => prewarmed),
    start: async (language, network) => await prewarm(deps, language, network),
    clock,
    logger,
  });
  const reason = reasonAgainst(deps, stock);
  if (reason === null) {
    stock.refill();
    return stock;
  }
  logger.info({ event: 'executor.no-prewarmed', reason });
  return noStock;
};
