const assert = require('node:assert');
const { test } = require('node:test');
const { apply } = require('../src/sun_moon.js');

const call = (input) =>
  new Promise((resolve, reject) => apply(input, (error, result) => (error ? reject(error) : resolve(result))));

test('the sun is high over the equator at noon of an equinox', async () => {
  const { altitude, dark } = await call({ lat: 0, lng: 0, time: '2024-03-20T12:00:00Z' });
  assert.ok(altitude > 85, `altitude ${altitude}`);
  assert.equal(dark, false);
});

test('it is dark over the equator at midnight', async () => {
  assert.equal((await call({ lat: 0, lng: 0, time: '2024-03-20T00:00:00Z' })).dark, true);
});

test('a latitude beyond the pole is refused by name', async () => {
  await assert.rejects(call({ lat: 91, lng: 0, time: 0 }), /lat must be/);
});
