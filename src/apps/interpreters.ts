import { homedir } from 'node:os';
import { join } from 'node:path';
import { createInterpreters, type Interpreters } from '../sandboxes/interpreters.ts';
import type { AllConfig } from './configuration.ts';

const inHome = (folder: string): string => (folder.startsWith('~/') ? join(homedir(), folder.slice(2)) : folder);

/** The interpreters of this machine, as far as the configuration says where they lie. */
export const interpretersOf = (
  config: Pick<AllConfig, 'MILLRACE_INTERPRETERS'>,
  { dataFolder }: { readonly dataFolder: string },
): Interpreters =>
  createInterpreters({
    folders: config.MILLRACE_INTERPRETERS.map(inHome),
    linksFolder: join(dataFolder, 'interpreters'),
    separateUser: process.getuid?.() === 0,
  });
