import type { Appender, AppendSink, OutRecord, Place } from './messaging.ts';

/** The promise form of an append, for drivers whose own form is {@link Appender.send}. */
export const appendBySink = async (to: Pick<Appender, 'send'>, record: OutRecord): Promise<Place> =>
  await new Promise<Place>((resolve, reject) => {
    to.send(record, { appended: resolve, failed: reject });
  });

/** Tells a sink the end of a promised append, for drivers whose own form is {@link Appender.append}. */
export const tellSink = (append: Promise<Place>, record: OutRecord, sink: AppendSink): void => {
  append.then(
    (place) => {
      sink.appended(place);
    },
    (error: unknown) => {
      sink.failed(error instanceof Error ? error : new Error(String(error)), record);
    },
  );
};
