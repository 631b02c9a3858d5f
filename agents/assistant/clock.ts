// The time anywhere on earth, from the time zone data that Node brings along.
import { tool } from "@langchain/core/tools";
import { z } from "zod";

const suggestionsMax = 5;

/** Large cities that have no time zone of their own name. */
const zoneByCity: Record<string, string> = {
  bangalore: "Asia/Kolkata",
  barcelona: "Europe/Madrid",
  beijing: "Asia/Shanghai",
  bengaluru: "Asia/Kolkata",
  boston: "America/New_York",
  delhi: "Asia/Kolkata",
  frankfurt: "Europe/Berlin",
  geneva: "Europe/Zurich",
  hamburg: "Europe/Berlin",
  "las vegas": "America/Los_Angeles",
  milan: "Europe/Rome",
  mumbai: "Asia/Kolkata",
  munich: "Europe/Berlin",
  "new delhi": "Asia/Kolkata",
  nyc: "America/New_York",
  osaka: "Asia/Tokyo",
  "rio de janeiro": "America/Sao_Paulo",
  "san francisco": "America/Los_Angeles",
  seattle: "America/Los_Angeles",
  "st petersburg": "Europe/Moscow",
  "tel aviv": "Asia/Jerusalem",
  "washington dc": "America/New_York",
};

/** Time zone names by their last part, in words: "new york" leads to "America/New_York". */
const zoneByLastPart = new Map(
  Intl.supportedValuesOf("timeZone").map((zone) => [inWords(zone.split("/").at(-1)!), zone]),
);

function inWords(text: string): string {
  return text
    .normalize("NFD")
    .replace(/\p{M}/gu, "")
    .toLowerCase()
    .replace(/[^\p{L}\p{N}+-]+/gu, " ")
    .trim();
}

/** The IANA time zone of a city or zone name, or `undefined` if there is none. */
export function findTimeZone(place: string): string | undefined {
  const words = inWords(place);
  const byName = zoneByCity[words] ?? zoneByLastPart.get(words);
  if (byName) return byName;
  const city = words.replace(/(?:^|\s)\S/g, (start) => start.toUpperCase()).replace(/\s+/g, "_");
  return [place.trim(), ...areas.map((area) => `${area}/${city}`)].map(knownZone).find((zone) => zone !== undefined);
}

/** Node lists cities under one spelling only (Katmandu) but knows their zones under others too (Kathmandu). */
const areas = ["Africa", "America", "Asia", "Atlantic", "Australia", "Europe", "Indian", "Pacific"];

function knownZone(name: string): string | undefined {
  try {
    return new Intl.DateTimeFormat("en", { timeZone: name }).resolvedOptions().timeZone;
  } catch {
    return undefined;
  }
}

/** The time at a place in one sentence; for an unknown place the sentence says so and names similar ones. */
export function describeTime(place: string, now: Date): string {
  const timeZone = findTimeZone(place);
  if (!timeZone) return `No time zone is known for "${place}".${similarPlaces(place)}`;
  // Put together from parts, because the ready-made styles differ between versions of Node.
  const format = new Intl.DateTimeFormat("en-GB", { timeZone, ...shownParts });
  const parts = Object.fromEntries(format.formatToParts(now).map(({ type, value }) => [type, value]));
  const { weekday, day, month, year, hour, minute, timeZoneName } = parts;
  const offset = timeZoneName === "GMT" ? "GMT+00:00" : timeZoneName;
  return `In ${place} (${timeZone}, ${offset}) it is ${weekday} ${day} ${month} ${year}, ${hour}:${minute}.`;
}

const shownParts: Intl.DateTimeFormatOptions = {
  weekday: "long",
  day: "numeric",
  month: "long",
  year: "numeric",
  hour: "2-digit",
  minute: "2-digit",
  timeZoneName: "longOffset",
};

function similarPlaces(place: string): string {
  const start = inWords(place).slice(0, 3);
  const similar = [...zoneByLastPart.entries()].filter(([name]) => start.length === 3 && name.startsWith(start));
  if (similar.length === 0) return " Give a large city or an IANA zone such as Europe/Berlin.";
  return ` Known are, for example: ${similar
    .slice(0, suggestionsMax)
    .map(([, zone]) => zone)
    .join(", ")}.`;
}

/** The tool `get_time`. */
export const getTimeTool = tool(({ place }) => describeTime(place, new Date()), {
  name: "get_time",
  description: "Tells the present date and time in a city or IANA time zone.",
  schema: z.object({ place: z.string().describe("A large city, or an IANA time zone such as Europe/Berlin") }),
});
