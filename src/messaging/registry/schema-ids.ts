import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { schemasFolder } from './schema-files.ts';

/** Registry ids by contract and version (`request/1`). They stand in every record's frame, for readers of others. */
export type SchemaIds = ReadonlyMap<string, number>;

/** The ids pinned in `schemas/ids.json`: those of the registry that Millrace itself serves. */
export const pinnedSchemaIds = (folder: string = schemasFolder): SchemaIds => {
  const parsed = JSON.parse(readFileSync(join(folder, 'ids.json'), 'utf8')) as Record<string, number>;
  return new Map(Object.entries(parsed));
};
