// Components for agents' messages, as a project's `ui` names them.
import { createElement, useState } from "react";

function Weather({ city }: { city: string }) {
  const [count, setCount] = useState(0);
  const label = `Sunny in ${city}, asked ${count} times`;
  return createElement("button", { type: "button", onClick: () => setCount(count + 1) }, label);
}

export default { weather: Weather };
