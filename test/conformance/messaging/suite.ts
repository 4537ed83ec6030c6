import { afterAll, beforeAll, describe } from 'vitest';
import { describeAdministration } from './administration.ts';
import { describeAppending } from './appending.ts';
import { type MessagingUnderTest, Suite } from './fixture.ts';
import { describeGroups } from './groups.ts';
import { describeOwnReading } from './own-reading.ts';
import { describeTransactions } from './transactions.ts';

/** The suite that every driver of the port passes. `open` is called once; topics are made fresh for each test. */
export const messagingConformance = (suiteName: string, open: () => Promise<MessagingUnderTest>): void => {
  describe(suiteName, { timeout: 40_000 }, () => {
    const suite = new Suite(open);
    beforeAll(async () => {
      await suite.open();
    });
    afterAll(async () => {
      await suite.close();
    });

    describeAppending(suite);
    describeOwnReading(suite);
    describeTransactions(suite);
    describeGroups(suite);
    describeAdministration(suite);
  });
};
