import {
  collectDefaultMetrics,
  Counter as PromCounter,
  Gauge as PromGauge,
  Histogram as PromHistogram,
  Registry,
} from 'prom-client';

/** What every metric says about itself. A label's values must be few: never ids of requests or keys. */
export interface MetricSpec<Label extends string = never> {
  /** Prometheus name, unit last: `millrace_requests_total`, `millrace_call_duration_seconds`. */
  readonly name: string;
  readonly help: string;
  readonly labels?: readonly Label[];
}

export interface HistogramSpec<Label extends string = never> extends MetricSpec<Label> {
  /** Upper bounds of the buckets, ascending; default: {@link durationBucketsSeconds}. */
  readonly buckets?: readonly number[];
}

/** A count that only grows, for one set of label values. */
export interface CounterSeries {
  /** Adds `by` (default 1). */
  inc(by?: number): void;
}
/** A value that goes up and down. */
export interface GaugeSeries {
  set(value: number): void;
  inc(by?: number): void;
  dec(by?: number): void;
}
/** A distribution. */
export interface HistogramSeries {
  observe(value: number): void;
}

/**
 * A metric with labels: `with` gives the series of one set of values and always the same object for the same values,
 * so hot paths look it up once and keep it.
 */
export interface Labelled<Label extends string, Series> {
  with(values: Readonly<Record<Label, string>>): Series;
}

/** The process's metrics. Asking twice for one name gives the same metric, so that modules need not know of each other. */
export interface Metrics {
  counter(spec: MetricSpec): CounterSeries;
  gauge(spec: MetricSpec): GaugeSeries;
  histogram(spec: HistogramSpec): HistogramSeries;
  counters<const Label extends string>(spec: MetricSpec<Label>): Labelled<Label, CounterSeries>;
  gauges<const Label extends string>(spec: MetricSpec<Label>): Labelled<Label, GaugeSeries>;
  histograms<const Label extends string>(spec: HistogramSpec<Label>): Labelled<Label, HistogramSeries>;
  /** Calls `read` whenever the metrics are read, to set gauges that nobody updates in between. */
  beforeRead(read: () => void): void;
  /** All metrics in the Prometheus text format. */
  text(): Promise<string>;
}

export interface MetricsOptions {
  /** Also report the process itself: memory, event loop delay, garbage collection. Default false. */
  readonly process?: boolean;
}

/** From half a millisecond to a minute. */
export const durationBucketsSeconds = [
  0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60,
] as const;

/** Content type of {@link Metrics.text}. */
export const metricsContentType = Registry.PROMETHEUS_CONTENT_TYPE;

/** Keeps the series of each set of label values: prom-client hashes the labels anew on every `labels()` call. */
const keepSeries = <Label extends string, Series>(
  labels: readonly Label[],
  make: (values: Readonly<Record<Label, string>>) => Series,
): Labelled<Label, Series> => {
  const kept = new Map<string, Series>();
  return {
    with: (values) => {
      const key = labels.map((label) => values[label]).join('\u0000');
      let series = kept.get(key);
      if (series === undefined) {
        series = make(values);
        kept.set(key, series);
      }
      return series;
    },
  };
};

/** One metric per name and registry; the same name with other labels is a bug and prom-client says so at the first use. */
const once = () => {
  const made = new Map<string, unknown>();
  return <Metric>(name: string, make: () => Metric): Metric => {
    const known = made.get(name) as Metric | undefined;
    if (known !== undefined) return known;
    const metric = make();
    made.set(name, metric);
    return metric;
  };
};

/** Metrics with a registry of their own. */
export const createMetrics = (options: MetricsOptions = {}): Metrics => {
  const registry = new Registry();
  const registers = [registry];
  const metric = once();
  const reads: (() => void)[] = [];
  if (options.process === true) collectDefaultMetrics({ register: registry });

  const counters: Metrics['counters'] = (spec) =>
    metric(spec.name, () => {
      const labelNames = spec.labels ?? [];
      const counter = new PromCounter({ name: spec.name, help: spec.help, labelNames: [...labelNames], registers });
      return keepSeries(labelNames, (values) => counter.labels(values));
    });
  const gauges: Metrics['gauges'] = (spec) =>
    metric(spec.name, () => {
      const labelNames = spec.labels ?? [];
      const gauge = new PromGauge({ name: spec.name, help: spec.help, labelNames: [...labelNames], registers });
      return keepSeries(labelNames, (values) => gauge.labels(values));
    });
  const histograms: Metrics['histograms'] = (spec) =>
    metric(spec.name, () => {
      const labelNames = spec.labels ?? [];
      const buckets = [...(spec.buckets ?? durationBucketsSeconds)];
      const histogram = new PromHistogram({
        name: spec.name,
        help: spec.help,
        labelNames: [...labelNames],
        buckets,
        registers,
      });
      return keepSeries(labelNames, (values) => histogram.labels(values));
    });

  return {
    counters,
    gauges,
    histograms,
    counter: (spec) => counters(spec).with({}),
    gauge: (spec) => gauges(spec).with({}),
    histogram: (spec) => histograms(spec).with({}),
    beforeRead: (read) => {
      reads.push(read);
    },
    text: async () => {
      for (const read of reads) read();
      return await registry.metrics();
    },
  };
};
