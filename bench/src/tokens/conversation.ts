// A public support conversation of any number of turns, the same every time: planted facts, tool results, changes of topic, and questions
// that can only be answered with a fact from long before.

/** What the user says in a turn, and what the test looks for. */
export interface Turn {
  text: string;
  /** The tool that the assistant calls before it answers, if any. */
  tool?: { name: "look_up_order"; args: { order: string } };
  /** The fact that must be before the model's eyes in this turn: the words that carry it. */
  asksFor?: { key: string; words: string; plantedAt: number };
}

interface Fact {
  key: string;
  sentence: string;
  words: string;
  question: string;
}

const FACTS: Fact[] = [
  ["order", "My order number is 48213-A7.", "48213-A7", "Which order number did I give you?"],
  [
    "street",
    "Please deliver to Kornhausstrasse 17, second floor.",
    "Kornhausstrasse 17",
    "Where did I want it delivered?",
  ],
  ["phone", "You can reach me at 044 555 01 37 after six.", "044 555 01 37", "Under which number can I be reached?"],
  ["colour", "I want the tent in moss green, not in grey.", "moss green", "Which colour did I choose for the tent?"],
  ["allergy", "My daughter is allergic to latex, so no latex seals.", "latex", "What is my daughter allergic to?"],
  [
    "invoice",
    "The invoice must go to Bergmann Optik AG.",
    "Bergmann Optik AG",
    "To which company does the invoice go?",
  ],
  ["vat", "Our VAT number is CHE-114.882.305.", "CHE-114.882.305", "What is our VAT number?"],
  ["deadline", "We leave for the trip on 14 August.", "14 August", "On which day do we leave?"],
  ["size", "The sleeping bag must be 205 centimetres long.", "205 centimetres", "How long must the sleeping bag be?"],
  ["weight", "The whole set may weigh 6.4 kilograms at most.", "6.4 kilograms", "What may the set weigh at most?"],
  ["coupon", "I have a voucher with the code SOMMER-9921.", "SOMMER-9921", "What is the code of my voucher?"],
  ["contact", "Please talk to Renate Vogt when I am away.", "Renate Vogt", "Whom should you talk to when I am away?"],
  [
    "serial",
    "The stove that failed has the serial number QX-70-5518.",
    "QX-70-5518",
    "What is the serial number of the stove?",
  ],
  ["bank", "Refunds go to the account that ends in 7731.", "7731", "To which account do refunds go?"],
  ["wheel", "The trailer needs wheels of 16 inches.", "16 inches", "Which size of wheels does the trailer need?"],
  ["pickup", "I can also pick things up in Winterthur.", "Winterthur", "In which town could I pick things up?"],
].map(([key, sentence, words, question]) => ({ key: key!, sentence: sentence!, words: words!, question: question! }));

const TOPICS = [
  "the tent",
  "the stove",
  "the delivery",
  "the warranty",
  "the sleeping bags",
  "the trailer",
  "a refund",
  "spare parts",
];
const CHATTER = [
  "Could you explain once more how that works and what I would have to do for it?",
  "I have read the page about it but some of it is not clear to me, in particular what it costs.",
  "A friend told me that it was different last year, is there anything new about it?",
  "What would you recommend to a family that goes camping twice a year?",
  "Is it possible to change that later on, or do I have to decide now?",
];
const ANSWERS = [
  "That depends on what you choose, and there are two ways to go about it. The first is quicker and suits most people, the second leaves more room for changes later on.",
  "In short, yes. You would find it in your account under the settings, where each step is explained, and nothing is final before you confirm it at the end.",
  "Many customers ask about this. The rules changed a little in spring, mostly to make returns easier, and what you have bought before is covered by them as well.",
  "I would take the middle one: it is sturdy, it is light enough to carry, and it can be repaired with parts that we keep for ten years.",
];

/** Every so many turns a fact is planted, the assistant looks an order up, or a question is asked. */
const FACT_EVERY = 5;
const TOOL_EVERY = 3;
const QUESTION_EVERY = 4;
/** A question asks for what was planted at least so many turns before. */
const DISTANCE_MIN = 10;

/** The user's side of the conversation. */
export function makeConversation(turnCount: number): Turn[] {
  const turns: Turn[] = [];
  const planted: { fact: Fact; at: number }[] = [];
  let asked = 0;
  for (let at = 0; at < turnCount; at++) {
    const topic = TOPICS[Math.floor(at / 6) % TOPICS.length]!;
    const sentences = [`About ${topic} (question ${at + 1}): ${CHATTER[at % CHATTER.length]}`];
    const turn: Turn = { text: "" };
    const fact = at % FACT_EVERY === 1 ? FACTS[planted.length] : undefined;
    const old = planted.filter((one) => at - one.at >= DISTANCE_MIN);
    if (fact !== undefined) {
      sentences.unshift(fact.sentence);
      planted.push({ fact, at });
    } else if (at % QUESTION_EVERY === 2 && old.length > 0) {
      const { fact: wanted, at: plantedAt } = old[(asked++ * 7) % old.length]!;
      sentences.unshift(wanted.question);
      turn.asksFor = { key: wanted.key, words: wanted.words, plantedAt };
    } else if (at % TOOL_EVERY === 0) {
      turn.tool = { name: "look_up_order", args: { order: `ORDER-${1000 + at}` } };
    }
    turns.push({ ...turn, text: sentences.join(" ") });
  }
  return turns;
}

/** The assistant's answer in a turn; it carries no facts. */
export function answerOf(turn: number): string {
  return `${ANSWERS[turn % ANSWERS.length]} ${ANSWERS[(turn + 1) % ANSWERS.length]}`;
}

/** What the tool reports: a record as order systems give them, about 2,500 characters. */
export function orderRecord(order: string): string {
  const lines = Array.from({ length: 14 }, (_, at) => ({
    position: at + 1,
    article: `CAMP-${order.slice(-4)}-${at}`,
    description: `${TOPICS[at % TOPICS.length]!.replace(/^(the|a) /, "")} set, season ${2020 + (at % 5)}, warehouse ${at % 4}`,
    quantity: (at % 3) + 1,
    status: at % 2 === 0 ? "shipped" : "in stock",
    price: { net: 19.9 + at, currency: "CHF" },
  }));
  return JSON.stringify({ order, customer: "on file", carrier: "Post", lines });
}
