"""The methods of people and tools: params, who may call them, what they do."""
