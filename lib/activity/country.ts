import type { IncomingHttpHeaders } from 'node:http';
import type { GeoOption } from '../options/privacy.options.js';
import { storedIp } from './ip-address.js';

/** ISO 3166-1 alpha-2, and `XK`, which everybody uses for Kosovo. */
export const COUNTRIES: ReadonlySet<string> = new Set(
  `AD AE AF AG AI AL AM AO AQ AR AS AT AU AW AX AZ BA BB BD BE BF BG BH BI BJ BL BM BN BO BQ BR BS BT BV BW BY BZ
  CA CC CD CF CG CH CI CK CL CM CN CO CR CU CV CW CX CY CZ DE DJ DK DM DO DZ EC EE EG EH ER ES ET FI FJ FK FM FO FR
  GA GB GD GE GF GG GH GI GL GM GN GP GQ GR GS GT GU GW GY HK HM HN HR HT HU ID IE IL IM IN IO IQ IR IS IT
  JE JM JO JP KE KG KH KI KM KN KP KR KW KY KZ LA LB LC LI LK LR LS LT LU LV LY
  MA MC MD ME MF MG MH MK ML MM MN MO MP MQ MR MS MT MU MV MW MX MY MZ NA NC NE NF NG NI NL NO NP NR NU NZ OM
  PA PE PF PG PH PK PL PM PN PR PS PT PW PY QA RE RO RS RU RW SA SB SC SD SE SG SH SI SJ SK SL SM SN SO SR SS ST SV SX SY SZ
  TC TD TF TG TH TJ TK TL TM TN TO TR TT TV TW TZ UA UG UM US UY UZ VA VC VE VG VI VN VU WF WS XK YE YT ZA ZM ZW`.split(
    /\s+/,
  ),
);

/** Headers that Cloudflare, CloudFront, Vercel and App Engine add to a request; the first one with a valid country is used. */
const HEADERS = [
  'cf-ipcountry',
  'cloudfront-viewer-country',
  'x-vercel-ip-country',
  'x-appengine-country',
] as const;

/** @returns the code in upper case; `null` if it is not that of a country, such as `XX` and `T1` (Tor) of Cloudflare */
export function storedCountry(code: unknown): string | null {
  if (typeof code !== 'string') return null;
  const upper = code.trim().toUpperCase();
  return COUNTRIES.has(upper) ? upper : null;
}

/** Returns the country of a request, from the source in the option `geo`. This works even if the address is not stored. */
export function findCountry(
  geo: GeoOption,
  { headers, ip }: { headers: IncomingHttpHeaders; ip?: string | undefined },
): string | null {
  if (geo !== 'headers') return countryOfAddress(geo, ip);
  for (const name of HEADERS) {
    const country = storedCountry(headers[name]);
    if (country !== null) return country;
  }
  return null;
}

/** Returns the country of an IP address; `null` with `geo: 'headers'`. */
export function countryOfAddress(geo: GeoOption, ip: string | undefined): string | null {
  if (geo === 'headers' || !geo) return null;
  const address = storedIp(ip);
  if (address === null) return null;
  try {
    return storedCountry(geo.countryOf(address));
  } catch {
    // A damaged country database must not cause the loss of an activity.
    return null;
  }
}
