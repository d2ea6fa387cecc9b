// Says for each line of standard input, which is "<partitions> <key in hexadecimal>", where Kafka's Java client puts
// the key: the partition, and the hash it comes from.

import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.util.HexFormat;
import org.apache.kafka.clients.producer.internals.BuiltInPartitioner;
import org.apache.kafka.common.utils.Utils;

public final class Partitions {
    public static void main(String[] arguments) throws Exception {
        StringBuilder answers = new StringBuilder();
        try (BufferedReader input = new BufferedReader(new InputStreamReader(System.in))) {
            for (String line = input.readLine(); line != null; line = input.readLine()) {
                String[] words = line.split(" ", -1);
                byte[] key = HexFormat.of().parseHex(words[1]);
                int partition = BuiltInPartitioner.partitionForKey(key, Integer.parseInt(words[0]));
                answers.append(partition).append(' ').append(Utils.murmur2(key)).append('\n');
            }
        }
        System.out.print(answers);
    }
}
