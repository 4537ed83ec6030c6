import type { BuildEnvironment } from '../builder.ts';

/** True when the dependency file names something to be installed. */
export const namesDependencies = (environment: BuildEnvironment, content: string): boolean => {
  if (environment.dependencyFile !== 'package.json') {
    return content.split('\n').some((line) => line.trim() !== '' && !line.trim().startsWith('#'));
  }
  try {
    const parsed: unknown = JSON.parse(content);
    if (typeof parsed !== 'object' || parsed === null || !('dependencies' in parsed)) return false;
    const { dependencies } = parsed;
    return typeof dependencies === 'object' && dependencies !== null && Object.keys(dependencies).length > 0;
  } catch {
    return true;
  }
};
