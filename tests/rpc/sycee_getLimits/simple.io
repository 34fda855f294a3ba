// every limit of this node
>> {"jsonrpc":"2.0","id":1,"method":"sycee_getLimits","params":[]}
<< {"jsonrpc":"2.0","id":1,"result":{"blockGasMax":30000000,"transactionBytesMax":122880,"requestBytesMax":5242880,"responseBytesMax":25000000,"callListMax":3,"callsAtOnceMax":32,"connectionsMax":1000,"websocketsMax":250,"messageBytesMax":1048576,"bodiesBytesMax":67108864,"answersBytesMax":256000000,"readTimeoutMs":10000,"writeTimeoutMs":30000,"idleTimeoutMs":75000,"callGasMax":50000000,"logsRangeBlocksMax":2,"logsResultsMax":4}}
