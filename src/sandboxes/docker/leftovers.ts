import type Docker from 'dockerode';

/** Ends and removes the containers of the driver with this mark, among them those of a killed predecessor. */
export const removeContainers = async (engine: Docker, mark: string): Promise<void> => {
  const filters = { label: [`millrace.driver=${mark}`] };
  const left = await engine.listContainers({ all: true, filters });
  await Promise.all(
    left.map(async ({ Id }) => {
      // Removed by somebody else meanwhile, or refused: then the next driver tries again.
      await engine
        .getContainer(Id)
        .remove({ force: true, v: true })
        .catch(() => {});
    }),
  );
};
