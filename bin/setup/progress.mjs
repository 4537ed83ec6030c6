const nameWidth = 20;
const textWidth = 56;

const seconds = (sinceMs) => {
  const spent = (Date.now() - sinceMs) / 1000;
  return spent < 0.1 ? '' : `${spent < 10 ? spent.toFixed(1) : Math.round(spent)} s`;
};

/** One line per step: on a terminal it lives while the step runs, elsewhere it is printed when the step is over. */
export const createProgress = (stream) => {
  const live = stream.isTTY === true && process.env.TERM !== 'dumb';
  const width = () => stream.columns ?? 100;
  const row = (mark, name, text, time) =>
    `  ${mark} ${name.padEnd(nameWidth)} ${text.padEnd(textWidth)} ${time}`.trimEnd();
  const print = (text) => stream.write(`${text}\n`);
  const redraw = (text) => stream.write(`\r\u001b[K${text.slice(0, width() - 1)}`);

  const begin = (name) => {
    const sinceMs = Date.now();
    let told = '';
    const draw = () => redraw(row('…', name, told.slice(0, textWidth), seconds(sinceMs)));
    const timer = live ? setInterval(draw, 200) : undefined;
    if (live) draw();
    const finish = (mark, text) => {
      clearInterval(timer);
      if (live) redraw('');
      print(row(mark, name, text, seconds(sinceMs)));
    };
    return {
      tell: (text) => {
        told = text.replace(/\s+/g, ' ');
      },
      done: (text) => finish('✓', text),
      failed: () => finish('✗', ''),
    };
  };
  return {
    heading: (text) => print(text),
    begin,
    problem: (text) => print(`\n${text}\n`),
    end: () => print(''),
  };
};
