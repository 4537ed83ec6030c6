import type { Build, RunSettings } from '../../catalog/catalog.ts';

/** What sandboxes of one kind run: `BUILD@ALGORITHM`, with `/ACCOUNT` when no other account may enter them. */
export type ClassKey = string;

/**
 * Who shares a sandbox: calls of one build, and for isolation `account` of one calling account. With `call` nobody shares
 * more than what was loaded before any call.
 */
export const classKeyOf = (
  build: Pick<Build, 'algorithmId' | 'hash'>,
  isolation: RunSettings['isolation'],
  account: string,
): ClassKey =>
  isolation === 'account' ? `${build.hash}@${build.algorithmId}/${account}` : `${build.hash}@${build.algorithmId}`;
