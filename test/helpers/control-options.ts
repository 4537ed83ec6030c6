import { silentLogger } from '../../src/kernel/logger.ts';
import type { Codec } from '../../src/messaging/codec.ts';
import type { Messaging } from '../../src/messaging/messaging.ts';
import { systemClock } from '../../src/platform/clock.ts';
import { systemRandom } from '../../src/platform/random.ts';
import { python } from './control-scenario.ts';

export const adminKey = 'simADMINADMINADMINADMINADMIN';

/** What every writer of the suites is configured with. */
export const controlOptions = (messaging: Messaging, codec: Codec, onFailed: (error: Error) => void) => ({
  messaging,
  codec,
  clock: systemClock,
  random: systemRandom,
  logger: silentLogger,
  admin: { user: 'admin', key: adminKey },
  environments: [python],
  onFailed,
});
