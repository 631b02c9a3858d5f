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
  try {
    return new Intl.DateTimeFormat("en", { timeZone: place.trim() }).resolvedOptions().timeZone;
  } catch {
    return undefined;
  }
}

/** The time at a place in one sentence; for an unknown place the sentence says so and names similar ones. */
export function describeTime(place: string, now: Date): string {
  const timeZone = findTimeZone(place);
  if (!timeZone) return `No time zone is known for "${place}".${similarPlaces(place)}`;
  const text = new Intl.DateTimeFormat("en-GB", {
    timeZone,
    dateStyle: "full",
    timeStyle: "short",
  }).format(now);
  const offset = new Intl.DateTimeFormat("en", { timeZone, timeZoneName: "longOffset" })
    .formatToParts(now)
    .find((part) => part.type === "timeZoneName")?.value;
  return `In ${place} (${timeZone}, ${offset === "GMT" ? "GMT+00:00" : offset}) it is ${text}.`;
}

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
