// Where the sun stands, and how much of the moon is lit, at a place and time.
// Input:  {"lat": degrees, "lng": degrees, "time": ISO 8601 text or epoch milliseconds}
// Output: {"altitude": degrees above the horizon, "azimuth": degrees, "dark": true below -6°, "moon": lit fraction 0…1}
const SunCalc = require('suncalc');

const inputError = (message) => Object.assign(new Error(message), { error_type: 'InputError' });

exports.apply = (input, done) => {
  const { lat, lng, time } = input ?? {};
  if (typeof lat !== 'number' || lat < -90 || lat > 90) return done(inputError('lat must be a number from -90 to 90'));
  if (typeof lng !== 'number' || lng < -180 || lng > 180)
    return done(inputError('lng must be a number from -180 to 180'));
  const at = new Date(time);
  if (Number.isNaN(at.getTime())) return done(inputError('time must be ISO 8601 text or epoch milliseconds'));
  const { altitude, azimuth } = SunCalc.getPosition(at, lat, lng);
  done(null, {
    altitude,
    azimuth,
    dark: altitude < -6,
    moon: SunCalc.getMoonIllumination(at).fraction,
  });
};
